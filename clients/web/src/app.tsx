// The frame around every screen: where one can go, who one is, and whether the house is heard.

import { type ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { desk } from "./desk";
import { timeOf } from "./format";
import { Impediment, Role } from "./gen/xache/v1/options_pb";
import { t } from "./messages";
import { go, partsOf, place } from "./router";
import { choosePurse, isAdminPort, isDemo, session, signOut } from "./session";
import { type Theme, chooseTheme, theme } from "./theme";
import { Icon, type IconName, Segments, Select, Toasts, classes } from "./ui";
import { useStore } from "./store";
import { later } from "./later";
import { PendingTerms } from "./account/pending";
import { ProofDialog } from "./proof";
import { Recover } from "./screens/recover";
import { SignIn } from "./screens/sign_in";
import { SignUp } from "./screens/sign_up";
import { Stop } from "./screens/stop";
import { Unverified } from "./screens/verify_email";

const loadTrade = async () => (await import("./trade/trade")).Trade;
const Trade = later(loadTrade);
const Portfolio = later(async () => (await import("./screens/portfolio")).Portfolio);
const Strategies = later(async () => (await import("./strategies/strategies")).Strategies);
const Wallets = later(async () => (await import("./screens/wallets")).Wallets);
const Staff = later(async () => (await import("./staff/staff")).Staff);
const Admin = later(async () => (await import("./staff/admin/admin")).Admin);
const Analytics = later(async () => (await import("./screens/analytics")).Analytics);
const Account = later(async () => (await import("./account/account")).Account);
const Security = later(async () => (await import("./screens/security")).Security);

const SCREENS: readonly { path: string; name: string; icon: IconName }[] = [
  { path: "trade", name: t.app.trade, icon: "trade" },
  { path: "portfolio", name: t.app.portfolio, icon: "portfolio" },
  { path: "strategies", name: t.app.strategies, icon: "strategies" },
  { path: "analytics", name: t.app.analytics, icon: "indicator" },
  { path: "wallets", name: t.app.wallets, icon: "wallets" },
  { path: "security", name: t.app.security, icon: "security" },
];
const STAFF = { path: "staff", name: t.app.staff, icon: "staff" } as const;
const ADMIN = { path: "admin", name: t.admin.title, icon: "admin" } as const;
const HOME = isAdminPort ? "/admin" : "/trade";

/** Where one can go: who works for the house sees more, and at the administrators' port else. */
function screensOf(roles: readonly Role[]): typeof SCREENS {
  const works = roles.includes(Role.SUPPORT) || roles.includes(Role.COMPLIANCE);
  const own = isAdminPort ? [ADMIN, ...SCREENS.filter(({ path }) => path === "security")] : SCREENS;
  return works ? [...own, STAFF] : own;
}

// Most come for the market: it is fetched while it is found out who comes.
if (!isAdminPort && ["", "trade"].includes(partsOf(place.state.path)[0] ?? "")) void loadTrade().catch(() => undefined);

export function App() {
  const { path } = useStore(place, (state) => state);
  const phase = useStore(session, (state) => state.phase);
  const [screen = "", ...rest] = partsOf(path);
  const apart = ["sign-in", "sign-up", "recover", "stop"].includes(screen);

  useEffect(() => {
    if (phase === "in" && apart && screen !== "stop") go(HOME, true);
    else if (screen === "" && phase !== "starting") go(phase === "in" ? HOME : "/sign-in", true);
  }, [phase, screen]);

  if (phase === "starting" || screen === "") return <Starting />;
  if (apart) return <Apart>{gate(screen)}</Apart>;
  return (
    <Shell screen={screen}>
      {screen === "trade" ? <Trade symbol={rest[0]} /> : phase === "in" ? inner(screen, rest) : <Away />}
    </Shell>
  );
}

function gate(screen: string) {
  switch (screen) {
    case "sign-up":
      return <SignUp />;
    case "recover":
      return <Recover />;
    case "stop":
      return <Stop />;
    default:
      return <SignIn />;
  }
}

function inner(screen: string, rest: readonly string[]) {
  switch (screen) {
    case "portfolio":
      return <Portfolio />;
    case "strategies":
      return <Strategies rest={rest} />;
    case "analytics":
      return <Analytics />;
    case "wallets":
      return <Wallets />;
    case "account":
      return <Account rest={rest} />;
    case "security":
      return <Security />;
    case "staff":
      return <Staff rest={rest} />;
    case "admin":
      return isAdminPort ? <Admin rest={rest} /> : <NotFound />;
    default:
      return <NotFound />;
  }
}

function Starting() {
  return (
    <div class="starting" role="status">
      <Logo />
      <span class="unseen">{t.app.loading}</span>
    </div>
  );
}

function Away() {
  useEffect(() => go("/sign-in", true), []);
  return null;
}

function NotFound() {
  return (
    <main id="content" class="screen narrow">
      <h1>{t.app.notFound}</h1>
      <p class="quiet">{t.app.notFoundHint}</p>
      <p>
        <a class="button primary" href="/trade">{t.app.toTrade}</a>
      </p>
    </main>
  );
}

export function Logo() {
  return (
    <span class="logo">
      <svg viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <rect width="32" height="32" rx="8" />
        <path d="M9 9l14 14M23 9l-4.500 4.500M13.500 18.500L9 23" />
      </svg>
      <span>{t.app.name}</span>
    </span>
  );
}

function Apart({ children }: { children: ComponentChildren }) {
  return (
    <div class="apart">
      <header>
        <a href="/trade" title={t.signIn.watch}><Logo /></a>
      </header>
      <main id="content">{children}</main>
      <footer class="quiet">{isDemo && t.app.demo}</footer>
      <Toasts />
    </div>
  );
}

function Shell({ screen, children }: { screen: string; children: ComponentChildren }) {
  const inside = useStore(session, (state) => state.phase === "in");
  return (
    <div class="shell">
      <a class="skip" href="#content">{t.app.skip}</a>
      <header class="bar">
        <a class="home" href="/trade" title={t.app.toTrade}><Logo /></a>
        {inside && <Nav screen={screen} />}
        <div class="end">
          {isDemo && <span class="badge demo" title={t.app.demo}>{t.app.demoShort}</span>}
          <Connection />
          {inside ? (
            <>
              <PurseChoice />
              <AccountMenu />
            </>
          ) : (
            <>
              <a class="button quiet small" href="/sign-up">{t.app.signUp}</a>
              <a class="button primary small" href="/sign-in">{t.app.signIn}</a>
            </>
          )}
        </div>
      </header>
      <Banners screen={screen} />
      {children}
      <ProofDialog />
      <Toasts />
    </div>
  );
}

function Nav({ screen }: { screen: string }) {
  const roles = useStore(session, (state) => state.roles);
  return (
    <nav class="screens" aria-label={t.app.nav}>
      {screensOf(roles).map(({ path, name, icon }) => (
        <a key={path} href={`/${path}`} aria-current={path === screen ? "page" : undefined}>
          <Icon name={icon} />
          <span>{name}</span>
        </a>
      ))}
    </nav>
  );
}

/** Whether figures are fresh: always in sight. */
function Connection() {
  const status = useStore(desk, (state) => state.status);
  useEffect(() => {
    document.body.dataset.status = status;
  }, [status]);
  return (
    <span class={classes("connection", status)} role="status">
      <i aria-hidden="true" />
      <span class="name">{t.status[status]}</span>
    </span>
  );
}

function Banners({ screen }: { screen: string }) {
  const inside = useStore(session, (state) => state.phase === "in");
  const status = useStore(desk, (state) => state.status);
  const heardAtMs = useStore(desk, (state) => (state.status === "live" ? 0 : state.heardAtMs));
  const impediments = useStore(session, (state) => state.impediments);
  const old = status === "stale" || status === "reconnecting";
  const against = (which: Impediment) => impediments.includes(which);
  return (
    <div class="banners">
      {old && (
        <p class="banner warn" id="notice">
          {heardAtMs ? t.status.old(timeOf(BigInt(heardAtMs) * 1_000_000n)) : t.status.away}
        </p>
      )}
      {against(Impediment.SUSPENDED) && <p class="banner bad">{t.impediments.suspended}</p>}
      {against(Impediment.FROZEN) && <p class="banner bad">{t.impediments.frozen}</p>}
      {against(Impediment.UNVERIFIED) && <Unverified />}
      {inside && !isAdminPort && <PendingTerms screen={screen} />}
    </div>
  );
}

function PurseChoice() {
  const purses = useStore(session, (state) => state.purses);
  const purse = useStore(session, (state) => state.purse);
  if (purses.length < 2) return null;
  return (
    <div class="purse">
      <Select
        hideLabel
        label={t.app.purse}
        value={purse}
        choices={purses.map(({ name }) => [name, name] as const)}
        onChange={choosePurse}
      />
    </div>
  );
}

function AccountMenu() {
  const email = useStore(session, (state) => state.email);
  const chosen = useStore(theme, (state) => state.chosen);
  const [open, setOpen] = useState(false);
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const close = (event: Event) => {
      const elsewhere = !menu.current?.contains(event.target as Node);
      if (event instanceof KeyboardEvent ? event.key === "Escape" : elsewhere) setOpen(false);
    };
    addEventListener("pointerdown", close);
    addEventListener("keydown", close);
    return () => {
      removeEventListener("pointerdown", close);
      removeEventListener("keydown", close);
    };
  }, [open]);
  return (
    <div class="menu" ref={menu}>
      <button
        type="button"
        class="icon-button"
        aria-label={t.app.account}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <Icon name="person" />
      </button>
      {open && (
        <div class="sheet">
          <p class="who">{email}</p>
          <Segments<Theme>
            label={t.app.theme}
            value={chosen}
            choices={[
              ["system", t.app.themes.system],
              ["light", t.app.themes.light],
              ["dark", t.app.themes.dark],
            ]}
            onChange={chooseTheme}
          />
          <a href="/account" onClick={() => setOpen(false)}>{t.app.yours}</a>
          <a href="/docs">{t.app.docs}</a>
          <button type="button" class="item" onClick={() => void signOut()}>{t.app.signOut}</button>
        </div>
      )}
    </div>
  );
}
