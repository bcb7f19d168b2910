// The shared look of the live page and of the report. Importing it brings the styles.
import "./tokens.css";
import "./base.css";
import "./controls.css";

export { Dialog } from "./Dialog";
export { Empty } from "./Empty";
export * as format from "./format";
export { Icon, type IconName } from "./Icon";
export { type Tab, TabPanel, Tabs } from "./Tabs";
export { Tip } from "./Tip";
export { chooseTheme, colour, dark, type Theme, theme } from "./theme";
