// What went wrong: failures of requests, exceptions of tasks.
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { ErrorRow, ExceptionRow, Summary } from "../api/types";
import type { Column } from "./columns";
import { count, moment, plural, timeOfDay } from "./format";
import { narrow } from "./narrow";
import { matching } from "./order";
import { printing } from "./print";
import { Table } from "./Table";
import { Search } from "./Tools";

export interface FailuresProps {
  errors: readonly ErrorRow[];
  folded?: Summary["folded"] | null;
}

const seen = (id: "first_seen" | "last_seen", label: string): Column<ErrorRow> => ({
  id,
  label,
  kind: "text",
  value: (row) => row[id],
  text: (row) => timeOfDay(row[id]),
  cell: (row) => <time title={moment(row[id])}>{timeOfDay(row[id])}</time>,
  width: 11,
});

const FAILURES: readonly Column<ErrorRow>[] = [
  {
    id: "occurrences",
    label: "# Failures",
    kind: "number",
    value: (row) => row.occurrences,
    text: (row) => count(row.occurrences),
  },
  {
    id: "method",
    label: "Method",
    kind: "text",
    value: (row) => row.method,
    text: (row) => (row.kind === "journey" ? "journey" : row.method),
    tone: () => "quiet",
    beforeName: true,
  },
  { id: "name", label: "Name", kind: "wide", value: (row) => row.name, text: (row) => row.name },
  { id: "error", label: "Message", kind: "wide", value: (row) => row.error, text: (row) => row.error },
  seen("first_seen", "First Seen"),
  seen("last_seen", "Last Seen"),
];

/** What fits into a cell needs no unfolding. */
const LONG = 60;

export function Failures({ errors, folded = null }: FailuresProps) {
  const search = useSignal("");
  const shown = useMemo(
    () => matching(errors, search.value, (row) => `${row.method} ${row.name} ${row.error}`),
    [errors, search.value],
  );
  return (
    <div class="fg-figure">
      {errors.length > 0 && (
        <div class="fg-tools">
          <Search value={search} label="Search failures" found={`${count(shown.length)} of ${count(errors.length)}`} />
        </div>
      )}
      <Table
        name="failures"
        label="Failures"
        columns={FAILURES}
        rows={shown}
        keyOf={failureKey}
        detail={narrow.value && !printing.value ? phoneDetail : failureDetail}
        empty={errors.length === 0 ? "No request has failed." : "No failure matches."}
      />
      {folded && folded.errors > 0 && (
        <p class="muted small">
          And {plural(folded.errors, "further distinct error")} that occurred {plural(folded.error_occurrences, "time")}
          , counted without their texts.
        </p>
      )}
    </div>
  );
}

function failureKey(row: ErrorRow): string {
  return JSON.stringify([row.kind, row.method, row.name, row.error]);
}

function failureDetail(row: ErrorRow) {
  return row.error.length > LONG || row.error.includes("\n") ? <pre>{row.error}</pre> : null;
}

/** On a phone texts are cut sooner, and long tables cut names as well. */
function phoneDetail(row: ErrorRow) {
  return row.error.length + row.name.length > LONG || row.error.includes("\n") ? (
    <>
      <p>{row.name}</p>
      <pre>{row.error}</pre>
    </>
  ) : null;
}

export interface ExceptionsProps {
  exceptions: readonly ExceptionRow[];
  folded?: Summary["folded"] | null;
}

function exceptionColumns(exceptions: readonly ExceptionRow[]): Column<ExceptionRow>[] {
  // In a local run every line would say "local".
  const distributed = exceptions.some(({ nodes }) => nodes.some((node) => node !== "local"));
  const columns: (Column<ExceptionRow> | false)[] = [
    { id: "count", label: "# occurrences", kind: "number", value: (row) => row.count, text: (row) => count(row.count) },
    { id: "class", label: "User class", kind: "text", value: (row) => row.scenario, text: (row) => row.scenario },
    { id: "message", label: "Message", kind: "wide", value: (row) => row.message, text: (row) => row.message },
    distributed && {
      id: "nodes",
      label: "Where",
      kind: "text",
      value: (row) => row.nodes.join(", "),
      text: (row) => row.nodes.join(", "),
    },
  ];
  return columns.filter((column) => column !== false);
}

export function Exceptions({ exceptions, folded = null }: ExceptionsProps) {
  const columns = useMemo(() => exceptionColumns(exceptions), [exceptions]);
  return (
    <div class="fg-figure">
      <Table
        name="exceptions"
        label="Exceptions"
        columns={columns}
        rows={exceptions}
        keyOf={(row) => JSON.stringify([row.scenario, row.message, row.detail])}
        detail={(row) => (row.detail ? <pre class="fg-traceback">{row.detail}</pre> : null)}
        empty="No task has raised an exception."
      />
      {folded && folded.exceptions > 0 && (
        <p class="muted small">
          And {plural(folded.exceptions, "further distinct exception")} that occurred{" "}
          {plural(folded.exception_occurrences, "time")}.
        </p>
      )}
    </div>
  );
}
