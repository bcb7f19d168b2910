// Which tab is shown: in the address, so that a link or a reload comes back to it.
import { signal } from "@preact/signals";

/** Locust's names where Locust has the tab. */
export const TABS = [
  "stats",
  "charts",
  "journeys",
  "groups",
  "samples",
  "failures",
  "exceptions",
  "ratios",
  "reports",
  "logViewer",
  "workers",
] as const;

export type TabName = (typeof TABS)[number];

const isTab = (text: string | null): text is TabName => TABS.includes(text as TabName);

export function tabOf(search: string): TabName {
  const wanted = new URLSearchParams(search).get("tab");
  return isTab(wanted) ? wanted : "stats";
}

/** The address with another tab; what else stands in it stays. */
export function addressOf(href: string, tab: TabName): string {
  const url = new URL(href);
  url.searchParams.set("tab", tab);
  return `${url.pathname}${url.search}${url.hash}`;
}

export const tab = signal<TabName>(typeof location === "undefined" ? "stats" : tabOf(location.search));

export function openTab(next: TabName): void {
  if (next === tab.peek()) return;
  tab.value = next;
  history.pushState(null, "", addressOf(location.href, next));
}

if (typeof addEventListener === "function") {
  addEventListener("popstate", () => {
    tab.value = tabOf(location.search);
  });
}
