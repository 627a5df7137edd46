// Candles on a canvas: price and time axes, volume below, a crosshair that reads out a candle.
// Candles stand side by side in order; a stretch without trades takes no room.

import { amount, clock } from "./format.js";

const SLOT_MIN = 5; // CSS pixels a candle needs to be told from its neighbours
const SLOT_MAX = 14;
const AXIS_HEIGHT = 22;
const VOLUME_SHARE = 0.18;
const LABEL_GAP = 84;
const STEPS_S = [
  1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200,
  86400, 172800, 604800, 1209600, 2592000, 7776000,
];

export class Chart {
  #canvas;
  #context;
  #told;
  #candles = [];
  #decimals = 2;
  #interval = "";
  #picked = null; // when the picked candle opens, so that it stays picked while others arrive
  #colors = {};

  // `told` gets the candle under the crosshair, or the newest, or undefined.
  constructor(canvas, told, redraw) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.#told = told;
    canvas.addEventListener("pointermove", (event) => this.#pick(event.offsetX, redraw));
    canvas.addEventListener("pointerleave", () => this.#pick(null, redraw));
    canvas.addEventListener("blur", () => this.#pick(null, redraw));
    canvas.addEventListener("keydown", (event) => this.#key(event, redraw));
    new ResizeObserver(redraw).observe(canvas);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", () => {
      this.#colors = {};
      redraw();
    });
  }

  show(candles, interval, decimals) {
    this.#candles = candles;
    this.#interval = interval;
    this.#decimals = decimals;
  }

  draw() {
    const view = this.#layout();
    const context = this.#context;
    context.clearRect(0, 0, view.width, view.height);
    const picked = view.candles.find((candle) => candle.at === this.#picked);
    this.#told(picked ?? view.candles.at(-1));
    if (!view.candles.length) return;
    this.#drawPriceAxis(view);
    this.#drawTimeAxis(view);
    view.candles.forEach((candle, index) => this.#drawCandle(view, candle, index));
    this.#drawLast(view);
    if (picked) this.#drawCrosshair(view, picked, view.candles.indexOf(picked));
  }

  // --- Where things are ------------------------------------------------------------------

  #layout() {
    const canvas = this.#canvas;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    const ratio = devicePixelRatio || 1;
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== across) canvas.width = across;
    if (canvas.height !== down) canvas.height = down;
    const context = this.#context;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.font = "11.5px system-ui, 'Liberation Sans', sans-serif";
    const sample = this.#candles.at(-1)?.text.close ?? "";
    const gutter = Math.ceil(context.measureText(amount(sample)).width) + 14;
    const plot = Math.max(0, width - gutter);
    const candles = this.#candles.slice(-Math.max(1, Math.floor(plot / SLOT_MIN)));
    const slot = Math.min(SLOT_MAX, plot / Math.max(1, candles.length));
    let low = Math.min(...candles.map((candle) => candle.low));
    let high = Math.max(...candles.map((candle) => candle.high));
    const room = (high - low) * 0.06 || high * 0.0005 || 1;
    low -= room;
    high += room;
    const bottom = height - AXIS_HEIGHT;
    const floor = bottom - bottom * VOLUME_SHARE;
    const most = Math.max(...candles.map((candle) => candle.volume), 0);
    // The newest candle is always at the right end.
    const left = plot - slot * candles.length;
    return {
      width, height, plot, bottom, candles, slot, low, high, left,
      x: (index) => left + (index + 0.5) * slot,
      y: (price) => ((high - price) / (high - low)) * (floor - 8) + 4,
      volume: (lots) => (most ? (lots / most) * (bottom - floor) * 0.92 : 0),
    };
  }

  #color(name) {
    return (this.#colors[name] ??= getComputedStyle(this.#canvas)
      .getPropertyValue(`--${name}`)
      .trim());
  }

  // --- Drawing ---------------------------------------------------------------------------

  #drawPriceAxis(view) {
    const context = this.#context;
    const wanted = (view.high - view.low) / Math.max(2, Math.floor(view.bottom / 62));
    const power = 10 ** Math.floor(Math.log10(wanted));
    const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= wanted);
    const decimals = Math.min(this.#decimals, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
    const last = view.y(view.candles.at(-1).close);
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.lineWidth = 1;
    for (let price = Math.ceil(view.low / step) * step; price < view.high; price += step) {
      const y = Math.round(view.y(price)) + 0.5;
      if (y > view.bottom - 4) continue;
      this.#line(this.#color("grid"), 0, y, view.plot, y);
      if (Math.abs(y - last) < 15) continue; // The label of the last price is there.
      context.fillStyle = this.#color("quiet");
      context.fillText(amount(price.toFixed(decimals)), view.plot + 7, y);
    }
  }

  #drawTimeAxis(view) {
    const context = this.#context;
    const { candles } = view;
    const span = (candles.at(-1).at - candles[0].at) / 1000;
    const wanted = (span * LABEL_GAP) / Math.max(1, view.slot * candles.length);
    const step = (STEPS_S.find((each) => each >= wanted) ?? STEPS_S.at(-1)) * 1000;
    const minutes = new Date(candles.at(-1).at).getTimezoneOffset();
    const zone = this.#interval === "1d" ? 0 : minutes * 60_000;
    context.textBaseline = "alphabetic";
    context.textAlign = "center";
    context.fillStyle = this.#color("quiet");
    let free = 24;
    for (let index = 1; index < candles.length; index += 1) {
      const mark = Math.floor((candles[index].at - zone) / step);
      if (mark === Math.floor((candles[index - 1].at - zone) / step)) continue;
      const x = view.x(index);
      if (x < free || x > view.plot - 24) continue;
      this.#line(this.#color("grid"), Math.round(x) + 0.5, 0, Math.round(x) + 0.5, view.bottom);
      context.fillText(clock(candles[index].at, step, this.#interval), x, view.height - 6);
      free = x + LABEL_GAP * 0.7;
    }
  }

  #drawCandle(view, candle, index) {
    const context = this.#context;
    const rising = candle.close >= candle.open;
    const x = view.x(index);
    const width = Math.max(1, Math.min(10, Math.round(view.slot * 0.68)));
    const top = Math.round(view.y(Math.max(candle.open, candle.close)));
    const height = Math.max(1, Math.round(view.y(Math.min(candle.open, candle.close))) - top);
    const tall = view.volume(candle.volume);
    context.fillStyle = this.#color(rising ? "up" : "down");
    context.globalAlpha = 0.3;
    context.fillRect(Math.round(x - width / 2), view.bottom - tall, width, tall);
    context.globalAlpha = 1;
    const high = view.y(candle.high);
    context.fillRect(Math.round(x - 0.5), high, 1, Math.max(1, view.y(candle.low) - high));
    context.fillRect(Math.round(x - width / 2), top, width, height);
  }

  #drawLast(view) {
    const last = view.candles.at(-1);
    const color = this.#color(last.close >= last.open ? "up" : "down");
    const y = Math.round(view.y(last.close)) + 0.5;
    this.#context.setLineDash([3, 3]);
    this.#line(color, 0, y, view.plot, y);
    this.#context.setLineDash([]);
    this.#label(view, y, amount(last.text.close), color);
  }

  #drawCrosshair(view, candle, index) {
    const x = Math.round(view.x(index)) + 0.5;
    const y = Math.round(view.y(candle.close)) + 0.5;
    this.#line(this.#color("quiet"), x, 0, x, view.bottom);
    this.#line(this.#color("quiet"), 0, y, view.plot, y);
    this.#label(view, y, amount(candle.text.close), this.#color("quiet"));
  }

  #label(view, y, text, color) {
    const context = this.#context;
    context.fillStyle = color;
    context.beginPath();
    context.roundRect(view.plot + 2, y - 9, view.width - view.plot - 2, 18, 4);
    context.fill();
    context.fillStyle = this.#color("card");
    context.textBaseline = "middle";
    context.textAlign = "left";
    context.fillText(text, view.plot + 7, y + 0.5);
  }

  #line(color, x1, y1, x2, y2) {
    const context = this.#context;
    context.strokeStyle = color;
    context.beginPath();
    context.moveTo(x1, y1);
    context.lineTo(x2, y2);
    context.stroke();
  }

  // --- Crosshair -------------------------------------------------------------------------

  #pick(x, redraw) {
    const view = this.#layout();
    const index = x === null ? -1 : Math.floor((x - view.left) / view.slot);
    this.#picked = view.candles[index]?.at ?? null;
    redraw();
  }

  #key(event, redraw) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const { candles } = this.#layout();
    if (!step || !candles.length) return;
    event.preventDefault();
    const at = candles.findIndex((candle) => candle.at === this.#picked);
    const from = at < 0 ? candles.length : at;
    this.#picked = candles[Math.max(0, Math.min(candles.length - 1, from + step))].at;
    redraw();
  }
}
