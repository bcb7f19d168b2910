import { render } from "preact";
import "../look";

const root = document.getElementById("root");
if (root) render(<main />, root);
