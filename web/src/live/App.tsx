// The page: top bar, what is wrong, and either the start form or the tabs.
import { useEffect, useRef, useState } from "preact/hooks";
import { format, TabPanel, Tabs } from "../look";
import { announce, announcement, stateInWords } from "./announce";
import { useStore } from "./context";
import { Ribbons } from "./Ribbons";
import { openTab, tab } from "./router";
import { StartForm } from "./start/StartForm";
import { TopBar } from "./TopBar";
import { Panel, tabsOf } from "./tabs";

export function App() {
  const store = useStore();
  const [wanted, setWanted] = useState(false);
  const state = store.state.value;
  const boot = store.boot.value;
  const starting = state === "ready" || (wanted && state === "stopped");
  useAnnouncements();
  useTitle();

  // Somebody else, or another window, has begun a run.
  useEffect(() => {
    if (state !== "stopped" && state !== "ready") setWanted(false);
  }, [state]);

  return (
    <>
      <a class="skip" href="#content">
        Skip to the content
      </a>
      <TopBar onNew={() => setWanted(true)} starting={starting} />
      <Ribbons />
      <main id="content" tabIndex={-1}>
        {!boot || !state ? (
          <Opening />
        ) : starting ? (
          <StartForm
            boot={boot}
            onCancel={state === "stopped" ? () => setWanted(false) : undefined}
            onStarted={() => setWanted(false)}
            workers={store.now.value?.worker_count ?? 0}
          />
        ) : store.beginning.value ? (
          <Waiting text="The run begins. Its first figures come within a second or two." />
        ) : (
          <Results />
        )}
      </main>
      <p aria-live="polite" class="unseen" role="status">
        {announcement.value}
      </p>
    </>
  );
}

function Results() {
  const store = useStore();
  const tabs = tabsOf(store);
  // A link to a tab that this run does not have.
  const selected = tabs.some(({ id }) => id === tab.value) ? tab.value : "stats";
  return (
    <>
      <h1 class="unseen">{store.boot.value?.workload}: figures of the run</h1>
      <nav aria-label="Views" class="tab-bar">
        <Tabs label="Views" name="view" onSelect={openTab} selected={selected} tabs={tabs} />
      </nav>
      <div class={`panel${store.old.value ? " is-old" : ""}`}>
        <TabPanel id={selected} name="view">
          <h2 class="unseen">{tabs.find(({ id }) => id === selected)?.label}</h2>
          <Panel key={selected} tab={selected} />
        </TabPanel>
      </div>
    </>
  );
}

/** Before the first answer: nothing for a moment, then words. */
function Opening() {
  const lost = useStore().connection.value.status === "lost";
  return <Waiting text={lost ? "The engine does not answer yet." : "Connecting to the engine …"} />;
}

function Waiting({ text }: { text: string }) {
  return (
    <div class="opening">
      <span aria-hidden="true" class="logo large" />
      <p class="muted">{text}</p>
    </div>
  );
}

function useAnnouncements(): void {
  const store = useStore();
  const state = store.state.value;
  const lost = store.old.value;
  const before = useRef({ state, lost });
  useEffect(() => {
    const was = before.current;
    before.current = { state, lost };
    if (was.lost !== lost) announce(lost ? "Disconnected from the engine" : "Connected again");
    else if (was.state !== null && state !== null && was.state !== state) announce(stateInWords(state));
  }, [state, lost]);
}

function useTitle(): void {
  const store = useStore();
  const now = store.now.value;
  const workload = store.boot.value?.workload ?? "swarmer";
  const active = store.active.value && !store.beginning.value;
  const text = now && active ? `${format.rate(now.total.current.requests_per_second)}/s · ${workload}` : workload;
  useEffect(() => {
    document.title = store.old.value ? `⚠ ${text}` : text;
  }, [text, store.old.value]);
}
