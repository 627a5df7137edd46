import { render } from "preact";
import { App } from "./app";
import { startDesk } from "./desk";
import { followLinks } from "./router";
import { begin } from "./session";
import { applyTheme } from "./theme";
import "./styles/tokens.css";
import "./styles/parts.css";
import "./styles/shell.css";
import "./styles/trade.css";
import "./styles/screens.css";

applyTheme();
followLinks();
startDesk();
void begin();

const root = document.getElementById("app");
if (root) render(<App />, root);
