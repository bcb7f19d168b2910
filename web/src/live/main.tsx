import { render } from "preact";
import { basePath } from "../api/boot";
import { Client } from "../api/client";
import { Store } from "../api/store";
import "../look";
import "./frame.css";
import "./start/start.css";
import "./tabs/tabs.css";
import { App } from "./App";
import { StoreContext } from "./context";
import { Login } from "./Login";

const root = document.getElementById("root");
const base = basePath(window.swarmer, location.pathname);

if (root && window.swarmerLogin) {
  render(<Login base={base} page={window.swarmerLogin} />, root);
} else if (root) {
  const client: Client = new Client({
    base,
    csrf: () => store.boot.peek()?.csrf ?? "",
    signedOut: () => {
      location.href = `${base}/login?next=${encodeURIComponent(location.pathname + location.search)}`;
    },
  });
  const store: Store = new Store({ client });
  store.start(window.swarmer);
  render(
    <StoreContext.Provider value={store}>
      <App />
    </StoreContext.Provider>,
    root,
  );
}
