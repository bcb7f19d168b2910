// Log lines of the engine, coloured by level, with filters; a fold for each worker.
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Level, type LogLine, levelOf, MOST_LINES, severity } from "../../api/logbook";
import { Empty, format, Icon } from "../../look";
import { useStore } from "../context";

/** Rendered at once; filters look through all. */
const MOST_SHOWN = 1000;

const FILTERS: { label: string; least: Level }[] = [
  { label: "All", least: "DEBUG" },
  { label: "Info", least: "INFO" },
  { label: "Warnings", least: "WARNING" },
  { label: "Errors", least: "ERROR" },
];

/** Lines of at least this level in which the words occur, whatever their case. */
export function filtered(lines: LogLine[], least: Level, words: string): LogLine[] {
  const wanted = words.trim().toLowerCase();
  return lines.filter(
    ({ level, text }) => severity(level) >= severity(least) && (wanted === "" || text.toLowerCase().includes(wanted)),
  );
}

export function Logs() {
  const { logs } = useStore();
  const [least, setLeast] = useState<Level>("DEBUG");
  const [words, setWords] = useState("");
  const lines = logs.lines.value;
  const shown = useMemo(() => filtered(lines, least, words), [lines, least, words]);
  const workers = Object.entries(logs.workers.value).sort(([a], [b]) => a.localeCompare(b));

  // Whoever has this tab open has seen what is in it.
  useEffect(() => logs.markSeen(), [logs, lines]);

  return (
    <div class="stack">
      <div class="tools">
        <input
          aria-label="Search in log lines"
          class="input small search"
          onInput={(event) => setWords(event.currentTarget.value)}
          placeholder="Search"
          type="search"
          value={words}
        />
        <fieldset aria-label="Least level" class="segmented">
          {FILTERS.map(({ label, least: level }) => (
            <button aria-pressed={least === level} key={label} onClick={() => setLeast(level)} type="button">
              {label}
            </button>
          ))}
        </fieldset>
        <span class="muted small spread">
          {format.count(shown.length)} of {format.plural(lines.length, "line")}
          {lines.length >= MOST_LINES && " (the newest)"}
        </span>
      </div>
      {shown.length > 0 ? (
        <Lines lines={shown} name="Log of the engine" />
      ) : (
        <div class="card">
          <Empty title={lines.length === 0 ? "No log lines yet" : "No line matches"}>
            {lines.length === 0
              ? "What the engine logs appears here."
              : "Show more levels, or search for something else."}
          </Empty>
        </div>
      )}
      {workers.map(([id, text]) => (
        <WorkerLog id={id} key={id} least={least} lines={text} words={words} />
      ))}
    </div>
  );
}

interface WorkerProps {
  id: string;
  lines: string[];
  least: Level;
  words: string;
}

function WorkerLog({ id, lines, least, words }: WorkerProps) {
  const { logs } = useStore();
  const [open, setOpen] = useState(false);
  const shown = useMemo(
    () =>
      open
        ? filtered(
            lines.map((text, number) => ({ number, level: levelOf(text), text })),
            least,
            words,
          )
        : [],
    [open, lines, least, words],
  );
  useEffect(() => {
    if (open) logs.markWorkerSeen(id);
  }, [open, lines, id, logs]);
  const fresh = logs.unseenWorkers.value.includes(id);

  return (
    <details class="card fold" onToggle={(event) => setOpen(event.currentTarget.open)} open={open}>
      <summary>
        {id} <span class="chip">{format.count(lines.length)}</span>
        {fresh && (
          <span class="chip warn">
            <span aria-hidden="true">!</span>
            <span class="unseen">new warnings</span>
          </span>
        )}
      </summary>
      {open &&
        (shown.length > 0 ? <Lines lines={shown} name={`Log of ${id}`} /> : <p class="muted body">No line matches.</p>)}
    </details>
  );
}

/** Stays at the newest line until somebody scrolls up. */
function Lines({ lines, name }: { lines: LogLine[]; name: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [follow, setFollow] = useState(true);
  const last = lines.slice(-MOST_SHOWN);

  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines, follow]);

  const scrolled = () => {
    const { scrollTop, scrollHeight, clientHeight } = box.current ?? { scrollTop: 0, scrollHeight: 0, clientHeight: 0 };
    setFollow(scrollHeight - scrollTop - clientHeight < 24);
  };

  return (
    <div class="log">
      {/* A region that scrolls must be reachable by keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
      <section aria-label={name} class="log-lines mono" onScroll={scrolled} ref={box} tabIndex={0}>
        {lines.length > last.length && (
          <p class="muted">… {format.count(lines.length - last.length)} older lines; search finds them</p>
        )}
        {last.map(({ number, level, text }) => (
          <p class={`log-line ${level.toLowerCase()}`} key={number}>
            {text}
          </p>
        ))}
      </section>
      {!follow && (
        <button class="button small log-follow" onClick={() => setFollow(true)} type="button">
          <Icon name="down" size={14} /> Follow
        </button>
      )}
    </div>
  );
}
