// Checks every dependency in Cargo.lock and in web/package-lock.json: its licence must be on the list, it must come from
// crates.io or npm, no crate may be there in two versions without a reason written down here, and what package.json names
// must be pinned. Needs no network.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const licences = new Set([
  "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0",
  "CC0-1.0", "CDLA-Permissive-2.0", "ISC", "MIT", "MIT-0", "OpenSSL", "Unicode-3.0", "Unlicense", "Zlib",
]);

// Tools that build and test the page may have these as well: nothing of them is in what we ship.
const licencesOfTools = new Set([...licences, "CC-BY-4.0", "MPL-2.0"]);

// Crates with another licence that only run while we compile: nothing of them is in what we ship.
const whileCompiling = {
  "option-ext": "finds the home folder for rust-embed's macro, which expands variables in paths",
};

// Crates that may be there twice, and which dependency has not moved on yet.
const twice = {
  "base64": "jsonwebtoken and sqlx are one version behind bcrypt and pem",
  "bit-vec": "two branches of proptest (tests only)",
  "block-buffer": "with digest",
  "chacha20": "snow is one version behind rand",
  "cipher": "with chacha20",
  "cpufeatures": "with sha2",
  "crypto-common": "with digest",
  "digest": "sqlx is one version behind on sha2",
  "getrandom": "with rand; 0.2 comes with an optional feature that is off",
  "hashbrown": "sqlx's hashlink is one version behind",
  "inout": "with cipher",
  "itertools": "ratatui is one version behind prost",
  "rand": "opentelemetry_sdk is one version behind (tests only)",
  "rand_core": "with rand",
  "sha2": "sqlx is one version behind",
  "syn": "derive macros are moving from 2 to 3",
  "synstructure": "with syn",
  "untrusted": "aws-lc-rs is one version behind rustls-webpki",
};

const metadata = JSON.parse(
  execFileSync("cargo", ["metadata", "--format-version=1", "--locked", "--filter-platform=x86_64-unknown-linux-gnu"], { maxBuffer: 1 << 28 }),
);
const problems = [];

// `MIT OR (Apache-2.0 AND ISC)`: one side of every OR, both sides of every AND.
function allowed(expression, list = licences) {
  const text = expression.replaceAll("/", " OR ");
  const tokens = text.match(/\(|\)|\bOR\b|\bAND\b|[^()\s]+(?:\s+WITH\s+[^()\s]+)?/g) ?? [];
  let at = 0;
  const atom = () => {
    if (tokens[at] !== "(") return list.has(tokens[at++]);
    at += 1;
    const inner = either();
    at += 1;
    return inner;
  };
  const both = () => {
    let ok = atom();
    while (tokens[at] === "AND") { at += 1; ok = atom() && ok; }
    return ok;
  };
  const either = () => {
    let ok = both();
    while (tokens[at] === "OR") { at += 1; ok = both() || ok; }
    return ok;
  };
  return either() && at === tokens.length;
}

const versions = new Map();
for (const { name, version, license, license_file: file, source } of metadata.packages) {
  if (source === null) continue;
  if (!source.startsWith("registry+")) problems.push(`${name} ${version} does not come from a registry: ${source}`);
  const excused = name in whileCompiling && allowed(license ?? "none", licencesOfTools);
  if (!excused && (!license ? !file : !allowed(license))) problems.push(`${name} ${version} has the licence ${license ?? "none"}`);
  versions.set(name, [...(versions.get(name) ?? []), version]);
}
for (const [name, list] of versions) {
  if (list.length > 1 && !(name in twice)) problems.push(`${name} is there ${list.length} times: ${list.join(", ")}`);
}
for (const name of Object.keys(twice)) {
  if ((versions.get(name) ?? []).length < 2) problems.push(`${name} is excused as a duplicate, but is none any more`);
}

const { packages } = JSON.parse(readFileSync(new URL("../web/package-lock.json", import.meta.url), "utf8"));
for (const [path, { version, license, resolved, integrity, dev, optional, link }] of Object.entries(packages)) {
  if (path === "") continue;
  const name = `npm ${path.split("node_modules/").pop()} ${version}`;
  if (!allowed(license ?? "none", dev ? licencesOfTools : licences)) problems.push(`${name} has the licence ${license ?? "none"}`);
  if (link || (resolved && !resolved.startsWith("https://registry.npmjs.org/"))) problems.push(`${name} does not come from npm: ${resolved}`);
  // Of the same package for other platforms the registry that the lock was made from knew no more than the version.
  if (!integrity && !optional) problems.push(`${name} has no checksum in the lock file`);
}
const { dependencies, devDependencies } = packages[""];
for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
  if (!/^\d+\.\d+\.\d+$/.test(version)) problems.push(`npm ${name} is not pinned: ${version}`);
}

if (problems.length > 0) {
  console.error(problems.join("\n"));
  console.error("\nSee tools/check-dependencies.mjs for what is allowed.");
  process.exit(1);
}
console.log(`${metadata.packages.length} crates and ${Object.keys(packages).length - 1} npm packages: licences, sources and duplicates are as they should be`);
