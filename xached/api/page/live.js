// The live page: one stream of events in, one picture of the market out.
//
// Events only change `market`; the picture is drawn once a frame from what is there then, so a
// burst costs one drawing. A lost stream is opened again with growing pauses and begins with the
// whole state, so nothing is stitched together. Text goes in as text, never as markup.

import { Chart } from "./chart.js";
import { amount, decimalsOf, hourOfDay, moment, padded, timeOfDay } from "./format.js";

const LEVELS = 15;
const TRADES = 30;
const CANDLES = 200;
const CANDLES_ENOUGH = 30;
const DAY_MS = 24 * 3_600_000;
const DAY_SLACK_MS = 15 * 60_000; // The day is known to five minutes, and quiet ones are left out.
const STALE_MS = 10_000;
const PAUSE_MS = 1_000;
const PAUSE_MS_MAX = 20_000;
const STATUS = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Reconnecting",
  stale: "Stale",
};

const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);
const wanted = {
  symbol: query.get("symbol"),
  interval: query.get("interval") ?? "1m",
  venue: query.get("source"),
};

let market = null;
let stream = null;
let pause = PAUSE_MS;
let heardAt = performance.now();
let status = "connecting";
let drawing = false;

// --- The stream ----------------------------------------------------------------------------

function connect() {
  stream?.close();
  const address = new URLSearchParams({ interval: wanted.interval });
  if (wanted.symbol) address.set("symbol", wanted.symbol);
  stream = new EventSource(`/api/live/events?${address}`);
  stream.addEventListener("snapshot", (event) => heard(() => start(JSON.parse(event.data))));
  stream.addEventListener("update", (event) => heard(() => apply(JSON.parse(event.data))));
  stream.addEventListener("heartbeat", () => heard(() => {}));
  stream.addEventListener("error", retry);
}

function retry() {
  stream.close();
  setStatus("reconnecting");
  // Pages that lost the same house should not come back in the same instant.
  setTimeout(connect, pause * (0.75 + Math.random() / 2));
  pause = Math.min(PAUSE_MS_MAX, pause * 2);
}

function heard(change) {
  change();
  heardAt = performance.now();
  pause = PAUSE_MS;
  setStatus("live");
  draw();
}

function watchSilence() {
  const silent = performance.now() - heardAt > STALE_MS;
  if (silent && status === "live") setStatus("stale");
}

function setStatus(next) {
  if (next === status) return;
  status = next;
  document.body.dataset.status = next;
  $("status").textContent = STATUS[next];
  const old = next === "stale" || next === "reconnecting";
  $("notice").hidden = !old;
  $("notice").textContent =
    old && market
      ? `No news since ${timeOfDay(market.at)}. The figures below may be old.`
      : "The house does not answer. Trying again.";
}

// --- The market, as the events tell it -----------------------------------------------------

function start(snapshot) {
  market = {
    ...snapshot,
    at: snapshot.at_ms,
    priceDecimals: decimalsOf(snapshot.tick_size),
    quantityDecimals: decimalsOf(snapshot.lot_size),
    lines: new Map(),
  };
  for (const line of snapshot.lines) setLine(line);
  market.venue = firstVenue();
}

// Whose market to show to a reader who has not chosen: the house's own, unless it is so young
// that there is nothing to see yet.
function firstVenue() {
  const lines = [...market.lines.values()];
  const [own] = lines;
  if (own?.candles.length >= CANDLES_ENOUGH) return own.venue;
  lines.sort((a, b) => b.candles.length - a.candles.length);
  return lines[0]?.venue;
}

function apply(update) {
  market.at = update.at_ms;
  if (update.symbols) market.symbols = update.symbols;
  for (const change of update.lines ?? []) {
    if (change.reset) setLine(change);
    else changeLine(market.lines.get(change.venue), change);
  }
}

function setLine(line) {
  market.lines.set(line.venue, {
    ...line,
    bids: new Map(line.bids),
    asks: new Map(line.asks),
    candles: line.candles.map(readCandle),
    direction: "",
  });
}

function changeLine(line, change) {
  for (const key of ["provenance", "state"]) {
    if (key in change) line[key] = change[key];
  }
  if (change.ticker) {
    const step = Number(change.ticker.last) - Number(line.ticker.last);
    if (step) line.direction = step > 0 ? "up" : "down";
    line.ticker = change.ticker;
  }
  for (const side of ["bids", "asks"]) {
    for (const [price, quantity] of change[side] ?? []) {
      if (quantity === "0") line[side].delete(price);
      else line[side].set(price, quantity);
    }
  }
  if (change.trades) line.trades = [...change.trades, ...line.trades].slice(0, TRADES);
  for (const candle of (change.candles ?? []).map(readCandle)) {
    if (line.candles.at(-1)?.at >= candle.at) {
      const from = line.candles.findLastIndex((each) => each.at < candle.at) + 1;
      line.candles.splice(from, 1, candle);
    } else line.candles.push(candle);
  }
  line.candles.splice(0, line.candles.length - CANDLES);
}

function readCandle([at, open, high, low, close, volume, trades]) {
  return {
    at, trades,
    text: { open, high, low, close, volume },
    open: Number(open), high: Number(high), low: Number(low), close: Number(close),
    volume: Number(volume),
  };
}

function baseAmount(figure) {
  return `${padded(figure, market.quantityDecimals)} ${market.base}`;
}

function shownLine() {
  const { lines } = market;
  return lines.get(wanted.venue) ?? lines.get(market.venue) ?? lines.values().next().value;
}

// --- The picture ---------------------------------------------------------------------------

function draw() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    if (market) drawMarket();
  });
}

function drawMarket() {
  const line = shownLine();
  const name = market.symbol.replace("-", "/");
  text($("title"), `${name} market`);
  document.title = `${line?.ticker.last ? amount(line.ticker.last) : "–"} ${name} · XACHE`;
  text($("command"), `xache order place buy ${market.symbol} --quote 50`);
  drawLinks();
  drawChoice($("venues"), [...market.lines.keys()], line?.venue, chooseVenue);
  drawChoice($("intervals"), market.intervals, market.interval, chooseInterval);
  for (const each of market.lines.values()) drawSource(each);
  const label = line ? `${line.venue}, ${line.provenance.toLowerCase()}` : "";
  text($("chart-title"), label ? `Candles · ${label}` : "Candles");
  text($("book-title"), label ? `Order book · ${label}` : "Order book");
  text($("tape-title"), label ? `Trades · ${label}` : "Trades");
  for (const card of document.querySelectorAll(".panels .card")) {
    card.classList.toggle("old", Boolean(line?.ticker.stale));
  }
  drawChart(line);
  if (line) {
    drawBook(line);
    drawTape(line);
  }
}

function drawLinks() {
  const links = rows($("symbols"), market.symbols.length, () => document.createElement("a"));
  market.symbols.forEach((symbol, index) => {
    const address = new URLSearchParams({ symbol, interval: market.interval });
    links[index].href = `/?${address}`;
    text(links[index], symbol.replace("-", "/"));
    if (symbol === market.symbol) links[index].setAttribute("aria-current", "page");
    else links[index].removeAttribute("aria-current");
  });
}

function drawChoice(group, names, chosen, choose) {
  const buttons = rows(group, names.length, () => {
    const button = document.createElement("button");
    button.type = "button";
    button.addEventListener("click", () => choose(button.textContent));
    return button;
  });
  names.forEach((name, index) => {
    text(buttons[index], name);
    buttons[index].setAttribute("aria-pressed", String(name === chosen));
  });
}

function drawSource(line) {
  const { ticker } = line;
  const card = sourceCard(line.venue);
  const price = (figure) => (figure === null ? "–" : amount(figure));
  card.classList.toggle("old", ticker.stale);
  text(card.querySelector(".provenance"), line.provenance.toLowerCase());
  const state = card.querySelector(".state");
  state.hidden = line.state === null;
  state.classList.toggle("warn", line.state !== "TRADING");
  text(state, (line.state ?? "").toLowerCase().replaceAll("_", " "));
  const silent = card.querySelector(".silent");
  silent.hidden = !ticker.stale;
  silent.classList.add("warn");
  const last = card.querySelector(".last");
  text(last, price(ticker.last));
  last.className = `last ${line.direction}`;
  text(card.querySelector(".quote"), market.quote);
  const change = card.querySelector(".change");
  const percent = ticker.change_percent;
  text(change, percent === null ? "" : `${percent.replace("-", "−")} % ${span(ticker)}`);
  change.className = `change ${{ "+": "up", "-": "down" }[percent?.[0]] ?? ""}`;
  for (const field of card.querySelectorAll("dd")) {
    const figure = ticker[field.dataset.field];
    const volume = field.dataset.field === "volume";
    text(field, volume ? baseAmount(figure) : price(figure));
  }
}

// What the change of a ticker is measured over: a young market is not a day old.
function span(ticker) {
  const young = market.at - ticker.open_at_ms < DAY_MS - DAY_SLACK_MS;
  return young ? `since ${hourOfDay(ticker.open_at_ms)}` : "in 24 h";
}

function sourceCard(venue) {
  const id = `source-${venue}`;
  let card = $(id);
  if (!card) {
    card = $("source").content.firstElementChild.cloneNode(true);
    card.id = id;
    card.setAttribute("aria-label", `${venue} in short`);
    text(card.querySelector("h2"), venue);
    $("sources").append(card);
  }
  return card;
}

function drawChart(line) {
  const candles = line?.candles ?? [];
  $("chart-empty").hidden = candles.length > 0;
  const uncounted = candles.some((candle) => candle.trades) && !candles.some((c) => c.volume);
  $("volume-note").hidden = !uncounted || line.provenance !== "SIMULATED";
  chart.show(candles, market.interval, market.priceDecimals);
  chart.draw();
}

function drawReadout(candle) {
  const out = $("readout");
  const parts = candle
    ? [
        ["", moment(candle.at, market.interval)],
        ["O", amount(candle.text.open)],
        ["H", amount(candle.text.high)],
        ["L", amount(candle.text.low)],
        ["C", amount(candle.text.close)],
        ["V", baseAmount(candle.text.volume)],
      ]
    : [];
  const cells = rows(out, parts.length, () => {
    const cell = document.createElement("span");
    cell.append(document.createTextNode(""), document.createElement("b"));
    return cell;
  });
  parts.forEach(([name, figure], index) => {
    const [label, value] = cells[index].childNodes;
    label.data = name && `${name} `;
    text(value, figure);
  });
  if (candle) {
    const close = amount(candle.text.close);
    $("chart").setAttribute("aria-label", `Candles of ${market.interval}, close ${close}`);
  }
}

function drawBook(line) {
  const best = (side, sign) =>
    [...side].sort(([a], [b]) => sign * (Number(a) - Number(b))).slice(0, LEVELS);
  const bids = best(line.bids, -1);
  const asks = best(line.asks, 1);
  const total = (levels) => levels.reduce((sum, [, quantity]) => sum + Number(quantity), 0);
  const most = Math.max(total(bids), total(asks));
  drawLevels($("bids"), bids, most, false);
  // The best ask stands next to the spread.
  drawLevels($("asks"), asks, most, true);
  let spread = "–";
  if (bids.length && asks.length) {
    const [bid, ask] = [Number(bids[0][0]), Number(asks[0][0])];
    const wide = amount((ask - bid).toFixed(market.priceDecimals));
    const percent = ((ask - bid) / ask) * 100;
    spread = `Spread ${wide} · ${percent < 0.001 ? "< 0.001" : percent.toFixed(3)} %`;
  }
  text($("spread"), spread);
}

function drawLevels(body, levels, most, upward) {
  const lines = rows(body, LEVELS, tableRow);
  let sum = 0;
  for (let depth = 0; depth < LEVELS; depth += 1) {
    const row = lines[upward ? LEVELS - 1 - depth : depth];
    const [price, quantity] = levels[depth] ?? [];
    sum += Number(quantity ?? 0);
    const share = price ? (sum / most) * 100 : 0;
    row.style.setProperty("--depth", `${share.toFixed(1)}%`);
    cells(row, [
      price ? amount(price) : "",
      price ? padded(quantity, market.quantityDecimals) : "",
      price ? padded(sum.toFixed(market.quantityDecimals), market.quantityDecimals) : "",
    ]);
  }
}

function drawTape(line) {
  const lines = rows($("tape"), line.trades.length, tableRow);
  line.trades.forEach((trade, index) => {
    const bought = trade.side === "BUY";
    const row = lines[index];
    row.firstChild.className = bought ? "up" : "down";
    row.title = `${bought ? "bought" : "sold"}${trade.simulated ? ", simulated" : ""}`;
    cells(row, [
      `${bought ? "▲" : "▼"} ${amount(trade.price)}`,
      padded(trade.quantity, market.quantityDecimals),
      timeOfDay(trade.at_ms),
    ]);
  });
}

// --- Elements that are kept ----------------------------------------------------------------

function rows(parent, count, make) {
  while (parent.childElementCount < count) parent.append(make());
  while (parent.childElementCount > count) parent.lastElementChild.remove();
  return parent.children;
}

function tableRow() {
  const row = document.createElement("tr");
  row.setAttribute("role", "row");
  for (let column = 0; column < 3; column += 1) {
    const cell = document.createElement("td");
    cell.setAttribute("role", "cell");
    row.append(cell);
  }
  return row;
}

function cells(row, figures) {
  figures.forEach((figure, index) => text(row.children[index], figure));
}

function text(element, content) {
  // Writing the same text again would still make the browser lay it out.
  if (element.textContent !== content) element.textContent = content;
}

// --- Choices -------------------------------------------------------------------------------

function chooseVenue(venue) {
  wanted.venue = venue;
  remember();
  draw();
}

function chooseInterval(interval) {
  if (interval === wanted.interval) return;
  wanted.interval = interval;
  remember();
  connect();
}

function remember() {
  const address = new URLSearchParams({ symbol: market.symbol, interval: wanted.interval });
  if (wanted.venue) address.set("source", wanted.venue);
  history.replaceState(null, "", `/?${address}`);
}

const chart = new Chart($("chart"), drawReadout, draw);
setInterval(watchSilence, 1_000);
connect();
