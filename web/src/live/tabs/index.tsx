// All tabs, and which of them are there.
import type { ComponentChildren } from "preact";
import type { Store } from "../../api/store";
import type { Tab } from "../../look";
import { useResource, useStore } from "../context";
import { TABS, type TabName } from "../router";
import { Downloads } from "./Downloads";
import { ChartsTab, ExceptionsTab, FailuresTab, GroupsTab, JourneysTab, SamplesTab, StatsTab } from "./Figures";
import { Logs } from "./Logs";
import { Ratios } from "./Ratios";
import { Waiting } from "./Waiting";
import { Workers } from "./Workers";

const LABELS: Record<TabName, string> = {
  stats: "Statistics",
  charts: "Charts",
  journeys: "Journeys",
  groups: "Groups",
  samples: "Samples",
  failures: "Failures",
  exceptions: "Exceptions",
  ratios: "Current Ratio",
  reports: "Download Data",
  logViewer: "Logs",
  workers: "Workers",
};

const PANELS: Record<TabName, () => ComponentChildren> = {
  stats: StatsTab,
  charts: ChartsTab,
  journeys: JourneysTab,
  groups: GroupsTab,
  samples: SamplesTab,
  failures: FailuresTab,
  exceptions: ExceptionsTab,
  ratios: RatiosTab,
  reports: DownloadsTab,
  logViewer: Logs,
  workers: WorkersTab,
};

/** The tabs of this run with their marks. */
export function tabsOf(store: Store): Tab<TabName>[] {
  const distributed = store.boot.value?.is_distributed ?? false;
  return TABS.filter((id) => id !== "workers" || distributed).map((id) => ({
    id,
    label: LABELS[id],
    badge: badgeOf(id, store),
  }));
}

function badgeOf(id: TabName, { logs }: Store): Tab<TabName>["badge"] {
  if (id !== "logViewer") return undefined;
  const warnings = logs.unseen.value + logs.unseenWorkers.value.length;
  return warnings > 0 ? { text: "!", says: "new warnings", kind: "warn" } : undefined;
}

export function Panel({ tab }: { tab: TabName }) {
  const Content = PANELS[tab];
  return <Content />;
}

function RatiosTab() {
  const store = useStore();
  return <Waiting of={useResource(store.tasks)}>{(tasks) => <Ratios tasks={tasks} />}</Waiting>;
}

function DownloadsTab() {
  const boot = useStore().boot.value;
  return boot ? <Downloads boot={boot} /> : null;
}

function WorkersTab() {
  const store = useStore();
  const expected = store.boot.value?.expect_workers ?? 1;
  return (
    <Waiting of={useResource(store.summary)}>
      {({ workers }) => <Workers expected={expected} workers={workers} />}
    </Waiting>
  );
}
