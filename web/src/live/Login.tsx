// The sign-in page. A plain form: it works without anything that has been loaded since.
import { useState } from "preact/hooks";
import type { LoginPage } from "../api/boot";
import { ThemeChoice } from "./ThemeChoice";

export function Login({ page, base }: { page: LoginPage; base: string }) {
  const [busy, setBusy] = useState(false);
  return (
    <main class="login">
      <form
        action={`${base}/login?next=${encodeURIComponent(page.next)}`}
        class="card"
        method="post"
        onSubmit={() => setBusy(true)}
      >
        <header>
          <span aria-hidden="true" class="logo" />
          <h1>Sign in</h1>
          <span class="spread" />
          <ThemeChoice />
        </header>
        <div class="body fields">
          {page.workload && <p class="muted">{page.workload}</p>}
          {page.error && (
            <p class="refusal" role="alert">
              {page.error}
            </p>
          )}
          <Plain autocomplete="username" label="Name" name="username" type="text" />
          <Plain autocomplete="current-password" label="Password" name="password" type="password" />
          {page.csrf && <input name="csrf" type="hidden" value={page.csrf} />}
          <input name="next" type="hidden" value={page.next} />
          <button class="button primary large" disabled={busy} type="submit">
            {busy ? "Signing in …" : "Sign in"}
          </button>
        </div>
      </form>
    </main>
  );
}

interface PlainProps {
  label: string;
  name: string;
  type: "text" | "password";
  autocomplete: "username" | "current-password";
}

function Plain({ label, name, type, autocomplete }: PlainProps) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <input autocomplete={autocomplete} class="input" id={name} name={name} required type={type as "text"} />
    </div>
  );
}
