// Everything that can be taken away from a run.
import type { Boot } from "../../api/types";
import { dark, Icon } from "../../look";

interface File {
  path: string;
  /** Where the server does not name the file. */
  name?: string;
  label: string;
  says: string;
}

const files = ({ full_history_csv: full }: Boot): File[] => [
  {
    path: "stats/requests/csv",
    label: "Requests CSV",
    says: "One line for each request and journey, with percentiles.",
  },
  ...(full
    ? [{ path: "stats/requests_full_history/csv", label: "Full history CSV", says: "Every second of every row." }]
    : []),
  { path: "stats/failures/csv", label: "Failures CSV", says: "Each failure and how often it was seen." },
  { path: "exceptions/csv", label: "Exceptions CSV", says: "What went wrong in the workload's own code." },
  {
    path: "api/v1/summary?histograms=true",
    name: "summary.json",
    label: "Summary JSON",
    says: "All figures with their histograms: for swarmer report, compare and merge.",
  },
];

export function Downloads({ boot }: { boot: Boot }) {
  const base = boot.base_path;
  const theme = dark.value ? "dark" : "light";
  return (
    <div class="halves">
      <section class="card">
        <header>
          <h2>Report</h2>
        </header>
        <div class="body stack">
          <p class="muted">
            One page with the verdict, charts, tables, journeys and settings. It opens from disk, needs no network, and
            prints well.
          </p>
          <div class="row">
            <a class="button primary" download href={`${base}/stats/report?download=1&theme=${theme}`}>
              <Icon name="download" /> Download report
            </a>
            <a class="button" href={`${base}/stats/report?theme=${theme}`} rel="noopener" target="_blank">
              <Icon name="link" /> Open report
            </a>
          </div>
        </div>
      </section>
      <section class="card">
        <header>
          <h2>Data</h2>
        </header>
        <ul class="downloads">
          {files(boot).map(({ path, name, label, says }) => (
            <li key={path}>
              <a download={name ?? ""} href={`${base}/${path}`}>
                <Icon name="download" /> {label}
              </a>
              <p class="muted small">{says}</p>
            </li>
          ))}
        </ul>
      </section>
    </div>
  );
}
