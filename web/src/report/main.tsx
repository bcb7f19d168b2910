// The report's entry: finds the data in its own file and shows it.
import { render } from "preact";
import "../look";
import "./report.css";
import { Empty, theme } from "../look";
import { ComparisonPage } from "./ComparisonPage";
import { type Content, content, templateArgs } from "./data";
import { Page } from "./Page";
import { Report } from "./Report";
import { plain, verdict } from "./verdict";

if (window.theme === "dark" || window.theme === "light") theme.value = window.theme;

const root = document.getElementById("root");

function page(found: Content) {
  switch (found.kind) {
    case "record":
      document.title = `swarmer report: ${plain(verdict(found.record))}`;
      return <Report record={found.record} tasks={templateArgs().tasks ?? undefined} />;
    case "comparison":
      document.title = `swarmer comparison: ${found.comparison.a.title} and ${found.comparison.b.title}`;
      return <ComparisonPage comparison={found.comparison} />;
    case "nothing":
      return (
        <Page kind="report">
          <main>
            <Empty title="No run in this file">{found.why}</Empty>
          </main>
        </Page>
      );
  }
}

content(document).then((found) => {
  if (root) render(page(found), root);
});
