import { fireEvent, screen, waitFor, within } from "@testing-library/preact";
import { afterEach, describe, expect, it } from "vitest";
import { tab } from "../src/live/router";
import { format } from "../src/look";
import type { MockOptions } from "./mock/engine";
import { openPage, type Page } from "./page";

let page: Page;

async function open(options?: MockOptions): Promise<void> {
  page = await openPage(options);
}

afterEach(async () => {
  await page.close();
  tab.value = "stats";
});

const button = (name: string | RegExp) => screen.findByRole("button", { name });
const field = (label: string) => screen.findByLabelText<HTMLInputElement>(label);
const type = (input: HTMLInputElement, value: string) => fireEvent.input(input, { target: { value } });

describe("the start form", () => {
  it("starts what was asked for, and the tabs appear", async () => {
    await open();
    type(await field("Number of users"), "12");
    type(await field("Ramp up"), "3");
    fireEvent.click(await screen.findByLabelText("PolicyAgent"));
    fireEvent.click(await button("Start"));
    await screen.findByRole("tab", { name: "Statistics" });
    const started = page.server.engine.posted.find(({ path }) => path === "/api/v1/start");
    expect(started?.body).toMatchObject({ users: 12, spawn_rate: 3, run_time: "10m", classes: ["QuoteAgent"] });
  });

  it("draws the plan before the start, and again after a change", async () => {
    await open();
    await screen.findByText(/^Reaches 50 users after 5\ss, ends after 10\smin\.$/);
    type(await field("Number of users"), "200");
    await screen.findByText(/^Reaches 200 users after 20\ss/);
  });

  it("keeps a mistake from being sent, and says where it is", async () => {
    await open();
    const users = await field("Number of users");
    type(users, "many");
    fireEvent.click(await button("Start"));
    expect(users.getAttribute("aria-invalid")).toBe("true");
    const id = users.getAttribute("aria-describedby") ?? "";
    expect(document.getElementById(id)?.textContent).toContain("“many” is no number of users");
    expect(page.server.engine.posted.some(({ path }) => path === "/api/v1/start")).toBe(false);
  });

  it("takes stages as rows and as text", async () => {
    await open();
    fireEvent.click(await button("Stages"));
    fireEvent.click(await button("Add stage"));
    type(await field("Stage 4: length"), "45s");
    type(await field("Stage 4: users"), "7");
    fireEvent.click(await button("Edit as text"));
    expect((await field("Stages")).value).toBe("30s:50,2m:50,30s:0,45s:7");
    fireEvent.click(await button("Start"));
    await screen.findByRole("tab", { name: "Statistics" });
    const started = page.server.engine.posted.find(({ path }) => path === "/api/v1/start");
    expect(started?.body).toMatchObject({ stages: "30s:50,2m:50,30s:0,45s:7" });
  });

  it("changes a user class in its dialog", async () => {
    await open();
    fireEvent.click(await button("Settings of QuoteAgent"));
    const dialog = await screen.findByRole("dialog", { name: "QuoteAgent" });
    type(within(dialog).getByLabelText<HTMLInputElement>("Weight"), "70");
    fireEvent.click(within(dialog).getByLabelText("Create Quote"));
    fireEvent.click(within(dialog).getByRole("button", { name: "Save" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(page.server.engine.posted.find(({ path }) => path === "/user")?.body).toEqual({
      user_class_name: "QuoteAgent",
      weight: 70,
      tasks: ["Convert Quote to Policy"],
    });
    const row = screen.getByRole("row", { name: /QuoteAgent/ });
    expect(within(row).getByText("70")).toBeTruthy();
    expect(within(row).getByText("1 of 2")).toBeTruthy();
    // What is switched off can be switched on, whoever opens the page.
    fireEvent.click(await button("Settings of QuoteAgent"));
    const again = await screen.findByRole("dialog", { name: "QuoteAgent" });
    expect(within(again).getByLabelText<HTMLInputElement>("Create Quote").checked).toBe(false);
    expect(within(again).getByLabelText<HTMLInputElement>("Convert Quote to Policy").checked).toBe(true);
  });

  it("waits for a worker", async () => {
    await open({ workers: 2 });
    await button("Start");
    // The last one leaves.
    const boot = page.server.engine.boot();
    page.server.engine.boot = () => boot;
    page.server.engine.options.workers = 0;
    await waitFor(async () => expect((await button("Start")).hasAttribute("disabled")).toBe(true), { timeout: 5000 });
    expect(screen.getByText(/No worker is connected yet/)).toBeTruthy();
  });
});

describe("a run", () => {
  const past = 60;

  it("can be edited", async () => {
    await open({ past });
    fireEvent.click(await button("Edit"));
    const dialog = await screen.findByRole("dialog", { name: "Edit the running test" });
    const users = within(dialog).getByLabelText<HTMLInputElement>("Number of users");
    expect(users.value).toBe("50");
    type(users, "80");
    fireEvent.click(within(dialog).getByRole("button", { name: "Update" }));
    await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
    expect(page.server.engine.posted.at(-1)).toEqual({ path: "/api/v1/edit", body: { users: 80, spawn_rate: 5 } });
  });

  it("is stopped, then the next one can be begun, or the results looked at again", async () => {
    await open({ past });
    fireEvent.click(await button("Stop"));
    fireEvent.click(await button("New"));
    await screen.findByRole("heading", { name: "Start a load test" });
    fireEvent.click(await button("Back to the results"));
    await screen.findByRole("tab", { name: "Statistics" });
    expect(screen.queryByRole("button", { name: "Edit" })).toBeNull();
    expect(screen.getByRole("button", { name: "Reset" })).toBeTruthy();
  });

  it("that has just begun shows no figures of the one before", async () => {
    await open({ past });
    const { engine } = page.server;
    const before = format.time(engine.tick().total.percentiles[5]);
    fireEvent.click(await button("Stop"));
    fireEvent.click(await button("New"));
    const glance = () => document.querySelector(".glance")?.textContent;
    await waitFor(() => expect(glance()).toContain(before));
    fireEvent.click(await button("Start"));
    await screen.findByText(/^The run begins\./);
    expect(glance()).toBeUndefined();
    expect(screen.queryByRole("tab", { name: "Statistics" })).toBeNull();
    expect(screen.getByRole("button", { name: "Stop" })).toBeTruthy();
    engine.step((engine.started ?? 0) + 1);
    await screen.findByRole("tab", { name: "Statistics" });
    expect(screen.queryByText(/^The run begins/)).toBeNull();
  });

  it("is reset only after a question", async () => {
    await open({ past });
    fireEvent.click(await button("Reset"));
    expect(page.server.engine.posted).toEqual([]);
    fireEvent.click(await button("Reset figures"));
    await waitFor(() => expect(page.server.engine.posted.at(-1)?.path).toBe("/api/v1/reset"));
  });

  it("has tabs that arrows move through and the address remembers", async () => {
    await open({ past, workers: 3 });
    const first = await screen.findByRole("tab", { name: "Statistics" });
    expect(first.getAttribute("tabindex")).toBe("0");
    fireEvent.keyDown(first, { key: "ArrowRight" });
    const charts = screen.getByRole("tab", { name: "Charts" });
    expect(charts.getAttribute("aria-selected")).toBe("true");
    expect(document.activeElement).toBe(charts);
    expect(location.search).toContain("tab=charts");
    fireEvent.keyDown(charts, { key: "End" });
    expect(screen.getByRole("tab", { name: "Workers" }).getAttribute("aria-selected")).toBe("true");
    expect(await screen.findByRole("tabpanel", { name: "Workers" })).toBeTruthy();
    await screen.findByText("worker-2_3f1c9a");
  });

  it("falls back to the statistics for a tab that it does not have", async () => {
    tab.value = "workers";
    await open({ past });
    expect((await screen.findByRole("tab", { name: "Statistics" })).getAttribute("aria-selected")).toBe("true");
  });

  it.each([
    ["stats", "4. Convert to Policy"],
    ["journeys", "Create Quote"],
    ["groups", "1. Calculate Premium"],
    ["samples", "1. Calculate Premium"],
    ["failures", "status 409, expected 201"],
    ["exceptions", "no customer left"],
    ["ratios", "Search Policies"],
    ["reports", "Requests CSV"],
    ["logViewer", /Ramping to 50 users/],
  ] as const)("fills the tab %s", async (name, text) => {
    tab.value = name;
    await open({ past });
    expect((await screen.findAllByText(text)).length).toBeGreaterThan(0);
  });

  it("shows what a target wrote as text", async () => {
    tab.value = "logViewer";
    await open({ past });
    page.server.engine.log("WARNING", "<img src=x onerror=alert(1)>");
    await screen.findByText(/<img src=x onerror=alert\(1\)>/, {}, { timeout: 10_000 });
    expect(document.querySelector("img")).toBeNull();
  });

  it("marks the log tab until its new warnings were looked at", async () => {
    await open({ past });
    page.server.engine.log("WARNING", "something is odd");
    const logs = await screen.findByRole("tab", { name: /Logs.*new warnings/ }, { timeout: 10_000 });
    fireEvent.click(logs);
    await waitFor(() => expect(screen.queryByRole("tab", { name: /new warnings/ })).toBeNull());
  });
});

describe("when something is wrong", () => {
  it("says that the page is open to everybody, and that figures are suspect", async () => {
    await open({ past: 30, exposed: true, suspect: true });
    await screen.findByText(/Anybody who reaches this address/);
    await screen.findByText(/CPU of driver 1 saturated for 8 s/);
    fireEvent.click(await button("suspect"));
    await screen.findByRole("dialog", { name: "The generator's own health" });
  });

  it("keeps figures, marked as old, tells what happened, and announces it", async () => {
    await open({ past: 30 });
    await screen.findByText("4. Convert to Policy");
    await page.server.close();
    await screen.findByText("Disconnected:");
    expect(screen.getByText("4. Convert to Policy")).toBeTruthy();
    expect((await button("Stop")).hasAttribute("disabled")).toBe(true);
    await waitFor(() => expect(screen.getByText("Disconnected from the engine")).toBeTruthy());
    expect(screen.getByRole("button", { name: "Try now" })).toBeTruthy();
  });
});
