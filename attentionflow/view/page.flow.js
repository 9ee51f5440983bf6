// The flow diagram: from one target through the levels of the network down to the input, ribbons as wide as the flow
// that an arc carries. Levels run from the input on the left to the target on the right, streams stand one below the
// other. Nodes are numbered over all streams; column c holds the nodes below level c of the arcs.
// An arc is {level, above, below, flow, cut, kind, stream}; its kind is "moves" by attention, "stays" in its position
// where its stream attends, or "waits" while another stream does.

// ---- arcs ---------------------------------------------------------------------------------------------------------

async function unpackArcs(diagram) {
  diagram.columns = new Uint16Array(await inflate(diagram.data));
  diagram.data = null;
  diagram.nodes = diagram.streams.flatMap(([stream, n]) => Array.from({ length: n }, (_, i) => ({ stream, i })));
  diagram.source = nodeOf(diagram, diagram.top, diagram.target);
}

const nodeOf = ({ nodes }, name, position) => nodes.findIndex(({ stream, i }) => stream === name && i === position);

// Of the index-th input that was traced.
function arcsOf({ columns, counts, most, levels, nodes }, index) {
  const all = columns.length / 4, first = counts.slice(0, index).reduce((sum, n) => sum + n, 0);
  return Array.from({ length: counts[index] }, (_, i) => {
    const [level, above, below, code] = [0, 1, 2, 3].map((column) => columns[column * all + first + i]);
    const [, queries] = levels[level >> 1];
    const kind = nodes[above].stream !== queries ? "waits" : above === below ? "stays" : "moves";
    const flow = (most[index] * code) / 65535, { stream } = nodes[below];
    return { level: level >> 1, above, below, flow, cut: (level & 1) === 1, kind, stream };
  });
}

// Site names without what all of them share at either end; long words are cut to three letters.
function shortNames(names) {
  const parts = names.map((name) => name.split(".")), shared = (at) => parts.every((p) => p.at(at) === parts[0].at(at));
  const least = Math.min(...parts.map((p) => p.length));
  let head = 0, tail = 0;
  while (head < least - 1 && shared(head)) head++;
  while (head + tail < least - 1 && shared(-1 - tail)) tail++;
  if (head && parts.some((p) => /^\d+$/.test(p[head]))) head--; // a number says little without its word
  const brief = (word) => (word.length > 6 ? word.slice(0, 3) : word);
  return parts.map((p) => p.slice(head, p.length - tail).map(brief).join("."));
}

// ---- where everything stands --------------------------------------------------------------------------------------

const ROW = { least: 5, most: 22, all: 800, label: 11.5 }; // pixels: of a row, of all rows, and what a label needs
const LANE = 30; // between two streams, with the name of the lower one
const THICK = { node: 1.7, end: 110 }; // of all ribbons at an inner node, in rows, and at an end, in pixels
const HAIR = 0.7; // the thinnest ribbon

// units: for each stream its positions; names: of the levels.
function flowLayout(ctx, diagram, arcs, units, names, width) {
  const { nodes, streams, levels, source } = diagram, lane = streams.length > 1 ? LANE : THICK.end / 2;
  const widest = (texts, most) => {
    return Math.ceil(texts.reduce((width, text) => Math.max(width, Math.min(most, ctx.measureText(text).width)), 12));
  };
  const place = nodes.length > 40 ? ctx.measureText("000 ").width : 0, most = Math.min(WIDEST, width / 4);
  const left = widest(streams.flatMap(([stream]) => units[stream].map((u) => u.text)), most) + place + 18;
  const right = widest([units[diagram.top][diagram.target].text], most) + 18;
  const step = (width - left - right) / levels.length, needed = widest(names, 150);
  const rotated = needed + 8 > step, top = rotated ? Math.ceil(needed * 0.77) + 20 : 28;
  const row = clamp(ROW.all / nodes.length, ROW.least, ROW.most), y = [], lanes = [];
  let bottom = top;
  for (const [stream, n] of streams) {
    bottom += lane;
    lanes.push({ stream, y: bottom, n });
    for (let i = 0; i < n; i++) y.push(bottom + (i + 0.5) * row);
    bottom += n * row;
  }
  const x = Array.from({ length: levels.length + 1 }, (_, c) => left + c * step);
  const layout = { left, top, width, bottom: bottom + 10, rotated, step, row, x, y, lanes };
  layout.ribbons = ribbonsOf(layout, arcs, levels.length, source);
  return layout;
}

// Stacked at each node in the order of where they lead; {arc, path, width, x, y} with the middle of each.
function ribbonsOf(layout, arcs, levels, source) {
  const { x, y, row } = layout, sums = new Map();
  const sum = (key, flow) => sums.set(key, (sums.get(key) ?? 0) + flow);
  for (const { level, above, below, flow } of arcs) {
    sum(`${level + 1} ${above} left`, flow);
    sum(`${level} ${below} right`, flow);
  }
  let inner = 0, ends = 0;
  for (const [key, flow] of sums) {
    if (key.startsWith("0 ") || key === `${levels} ${source} left`) ends = Math.max(ends, flow);
    else inner = Math.max(inner, flow);
  }
  layout.scale = Math.min(inner ? (THICK.node * row) / inner : Infinity, ends ? THICK.end / ends : 1);
  const at = new Map(), place = (key, middle, flow) => {
    const from = at.get(key) ?? middle - ((sums.get(key) ?? 0) * layout.scale) / 2;
    at.set(key, from + flow * layout.scale);
    return from + (flow * layout.scale) / 2;
  };
  const ribbons = arcs.map((arc) => ({ arc, width: Math.max(HAIR, arc.flow * layout.scale) }));
  const by = (end) => [...ribbons].sort((a, b) => y[a.arc[end]] - y[b.arc[end]]);
  for (const r of by("below")) r.from = place(`${r.arc.level + 1} ${r.arc.above} left`, y[r.arc.above], r.arc.flow);
  for (const r of by("above")) r.to = place(`${r.arc.level} ${r.arc.below} right`, y[r.arc.below], r.arc.flow);
  for (const r of ribbons) {
    const [x0, x1] = [x[r.arc.level], x[r.arc.level + 1]];
    Object.assign(r, { path: ribbon(x0, r.to, x1, r.from, r.width), x: (x0 + x1) / 2, y: (r.from + r.to) / 2 });
  }
  const rank = ({ arc }) => ["waits", "stays", "moves"].indexOf(arc.kind) + 3 * arc.cut;
  return ribbons.sort((a, b) => rank(a) - rank(b) || b.width - a.width);
}

function ribbon(x0, y0, x1, y1, width) {
  const path = new Path2D(), bend = (x1 - x0) * 0.5, half = width / 2;
  path.moveTo(x0, y0 - half);
  path.bezierCurveTo(x0 + bend, y0 - half, x1 - bend, y1 - half, x1, y1 - half);
  path.lineTo(x1, y1 + half);
  path.bezierCurveTo(x1 - bend, y1 + half, x0 + bend, y0 + half, x0, y0 + half);
  path.closePath();
  return path;
}

// ---- painting -----------------------------------------------------------------------------------------------------

// Attention by the stream that it reads; OKLCH hues that the colour-blind tell apart.
const HUES = [262, 165, 330, 110];
const TONES = { // lightness, chroma, alpha
  light: { moves: [0.55, 0.13, 0.62], stays: [0.6, 0.02, 0.5], waits: [0.6, 0.02, 0.16] },
  dark: { moves: [0.76, 0.13, 0.72], stays: [0.72, 0.02, 0.45], waits: [0.72, 0.02, 0.16] },
};

function toneOf(theme, streams, { kind, stream }) {
  const [lightness, chroma, alpha] = TONES[theme][kind];
  const hue = HUES[streams.findIndex(([name]) => name === stream) % HUES.length];
  const [r, g, b] = rgb([lightness, chroma, hue]);
  return `rgb(${r} ${g} ${b} / ${alpha})`;
}

// chosen: node of the input, null where all are shown at once; over: the ribbon that is pointed at.
function drawFlow(ctx, { diagram, layout, units, names, streamNames, chosen, over, theme, ink, legend }) {
  drawGround(ctx, diagram, layout, names, ink);
  for (const { arc, path } of layout.ribbons) {
    ctx.fillStyle = arc.cut ? ink.accent : toneOf(theme, diagram.streams, arc);
    ctx.fill(path);
  }
  for (const { arc, width, x, y } of layout.ribbons) {
    ctx.fillStyle = ink.accent;
    if (arc.cut) ctx.fillRect(x - 1, y - width / 2 - 3, 2, width + 6);
  }
  if (over) {
    Object.assign(ctx, { strokeStyle: ink.text, lineWidth: 1 });
    ctx.stroke(over.path);
  }
  drawEnds(ctx, diagram, layout, units, streamNames, chosen, ink);
  drawKey(ctx, legend, ink);
}

// A dot for each node, and the names of the levels.
function drawGround(ctx, { nodes, levels }, { x, y, top, row, step, rotated }, names, ink) {
  const size = Math.min(2, row / 4);
  ctx.fillStyle = ink.cross;
  for (const left of x) nodes.forEach((_, i) => ctx.fillRect(left - size / 2, y[i] - size / 2, size, size));
  const every = rotated ? Math.max(1, Math.ceil(12 / step)) : 1;
  for (let level = 0; level < levels.length; level += every) {
    ctx.save();
    ctx.translate((x[level] + x[level + 1]) / 2, top);
    ctx.fillStyle = ink.muted;
    if (rotated) ctx.rotate(-0.88);
    ctx.textAlign = rotated ? "left" : "center";
    ctx.textBaseline = rotated ? "middle" : "alphabetic";
    ctx.fillText(fit(ctx, names[level], 150), 0, 0);
    ctx.restore();
  }
}

function drawEnds(ctx, { nodes, source }, { lanes, y, row, left, x }, units, streamNames, chosen, ink) {
  Object.assign(ctx, { textAlign: "right", textBaseline: "middle" });
  for (const lane of lanes) {
    const first = nodes.findIndex(({ stream }) => stream === lane.stream);
    const kept = chosen === null || nodes[chosen].stream !== lane.stream ? [] : [nodes[chosen].i];
    drawLabels(ctx, units[lane.stream], 0, lane.n, row, ROW.label, kept, ink, (text, i) => {
      ctx.font = `${kept.includes(i) ? "bold " : ""}12px ${ink.font}`;
      ctx.fillText(fit(ctx, text, left - 14), left - 9, y[first + i] + 0.5);
    });
    ctx.font = `12px ${ink.font}`;
    if (lanes.length < 2) continue;
    ctx.fillStyle = ink.muted;
    ctx.fillText(streamNames[lane.stream], left - 9, lane.y - 9);
    ctx.fillRect(left, lane.y - 9, x.at(-1) - left, 0.5);
  }
  ctx.textAlign = "left";
  ctx.fillStyle = ink.text;
  const end = units[nodes[source].stream][nodes[source].i].text;
  ctx.fillText(fit(ctx, end, 200), x.at(-1) + 9, y[source] + 0.5);
  for (const [at, node] of [[x.at(-1), source], ...(chosen === null ? [] : [[x[0], chosen]])]) {
    ctx.beginPath();
    ctx.arc(at, y[node], 3.5, 0, 7);
    ctx.fill();
  }
}

// What the colours stand for, and how wide a flow is: [{text, fill, tick, width}], set in lines; gives their height.
function setKey(ctx, items, left, top, width) {
  let x = left, y = top + 10;
  for (const item of items) {
    const needed = 26 + ctx.measureText(item.text).width;
    if (x > left && x + needed > width) [x, y] = [left, y + 20];
    Object.assign(item, { x, y });
    x += needed + 18;
  }
  return y + 12 - top;
}

function drawKey(ctx, items, ink) {
  Object.assign(ctx, { textAlign: "left", textBaseline: "middle" });
  for (const { text, fill, tick, width = 6, x, y } of items) {
    ctx.fillStyle = fill;
    ctx.fillRect(x, y - width / 2, 20, width);
    if (tick) ctx.fillRect(x + 9, y - width / 2 - 3, 2, width + 6);
    ctx.fillStyle = ink.label;
    ctx.fillText(text, x + 26, y);
  }
}

// ---- the figure ---------------------------------------------------------------------------------------------------

// page: what the figure needs of it: t(key, values), fill(key, parts), name(unit), stream(name) for words, look() for
// {ink, theme}, value(target, position), tip(content, x, y), scaled(canvas, width, height, ratio), repaint(), title(text)
// for pictures; and input(position), target(position), which are told what the reader chooses here.
class FlowFigure {
  #page; #ui; #diagrams = []; #units; #onto; // #units: for each stream what its positions are called
  #targets = []; #at = -1; #index = 0; #pinned = null; #turn = 0; // which diagram, and which of its inputs
  #arcs; #layout; #over = null;

  constructor(page, ui) {
    this.#page = page;
    this.#ui = ui;
  }

  // To read: for tests, and for the page around.
  get state() {
    const diagram = this.#diagram;
    if (!diagram) return null;
    const { target, inputs, hidden } = diagram, arcs = this.#arcs, says = this.#ui.says.textContent;
    const cut = arcs.filter((arc) => arc.cut).length, pinned = this.#pinned !== null;
    return { target, input: inputs[this.#index], pinned, arcs: arcs.length, cut, hidden: hidden[this.#index], says };
  }

  get traced() { return this.#diagrams.map(({ target }) => target); }
  get #diagram() { return this.#diagrams[this.#at]; }

  // top, onto: the streams of targets and inputs.
  give(diagrams, top, onto, units) {
    this.#diagrams = diagrams;
    for (const diagram of diagrams) diagram.top = top;
    this.#units = units;
    this.#onto = onto;
    this.#turn++;
    this.#targets = [];
    this.#at = -1;
    this.#pinned = this.#over = null;
    this.#ui.figure.hidden = !diagrams.length;
  }

  // The first of these target positions that was traced, with this input unless another is pinned.
  async show(targets, input) {
    if (!this.#diagrams.length) return;
    const turn = ++this.#turn, at = this.#diagrams.findIndex(({ target }) => targets.includes(target));
    if (at >= 0) await (this.#diagrams[at].ready ??= unpackArcs(this.#diagrams[at]));
    if (turn !== this.#turn) return;
    this.#targets = targets;
    this.#at = at;
    this.#choose(this.#pinned ?? input);
  }

  // An input that the reader points at elsewhere on the page.
  point(input) {
    if (this.#pinned === null && this.#diagram?.inputs.includes(input)) this.#choose(input);
  }

  pin(input) {
    if (!this.#diagram?.inputs.includes(input)) return;
    this.#pinned = this.#pinned === input ? null : input;
    this.#choose(input);
  }

  step(by) {
    const inputs = this.#diagram?.inputs ?? [], index = clamp(this.#index + by, 0, inputs.length - 1);
    if (!inputs.length || inputs[0] === null) return;
    if (this.#pinned !== null) this.#pinned = inputs[index];
    this.#choose(inputs[index]);
  }

  release() { this.#pinned = null; }
  resize() { this.#layout = null; }

  #choose(input) {
    if (this.#diagram) {
      const { inputs, target } = this.#diagram, value = (i) => this.#page.value(target, i);
      const widest = () => inputs.reduce((best, i) => (value(i) > value(best) ? i : best));
      this.#index = inputs[0] === null ? 0 : inputs.indexOf(inputs.includes(input) ? input : widest());
      this.#arcs = arcsOf(this.#diagram, this.#index);
      if (inputs[0] !== null) this.#page.input(inputs[this.#index]);
    }
    this.#over = this.#layout = null;
    this.say();
    this.#page.repaint();
  }

  // ---- painting ---------------------------------------------------------------------------------------------------

  paint() {
    if (!this.#diagram) return;
    const { canvas } = this.#ui, parts = this.#parts(canvas.getContext("2d"));
    drawFlow(this.#page.scaled(canvas, parts.layout.width, parts.layout.height), parts);
  }

  #parts(ctx) {
    const diagram = this.#diagram, units = this.#units, { ink, theme } = this.#page.look();
    const names = shortNames(diagram.levels.map(([name]) => name)), input = diagram.inputs[this.#index];
    ctx.font = `12px ${ink.font}`;
    this.#layout ??= flowLayout(ctx, diagram, this.#arcs, units, names, Math.max(260, this.#ui.stage.clientWidth));
    const layout = this.#layout, legend = this.#legend(ink, theme);
    layout.height = layout.bottom + setKey(ctx, legend, 10, layout.bottom, layout.width - 10);
    const streamNames = Object.fromEntries(diagram.streams.map(([stream]) => [stream, this.#page.stream(stream)]));
    const chosen = input === null ? null : nodeOf(diagram, this.#onto, input);
    return { diagram, layout, units, names, streamNames, chosen, over: this.#over, theme, ink, legend };
  }

  #legend(ink, theme) {
    const { t, stream } = this.#page, arcs = this.#arcs, { streams } = this.#diagram, { scale } = this.#layout;
    const one = (kind, name) => arcs.find((arc) => arc.kind === kind && (!name || arc.stream === name));
    const item = (arc, text) => (arc ? [{ text, fill: toneOf(theme, streams, arc) }] : []);
    const unit = 10 ** Math.floor(Math.log10(16 / scale)), size = [5, 2, 1].find((n) => n * unit * scale <= 16) * unit;
    return [
      ...streams.flatMap(([name]) => item(one("moves", name), t("flow.moves", { stream: stream(name) }))),
      ...item(one("stays"), t("flow.stays")), ...item(one("waits"), t("flow.waits")),
      ...(arcs.some((arc) => arc.cut) ? [{ text: t("flow.cut"), fill: ink.accent, tick: true }] : []),
      { text: t("flow.width", { value: number(size) }), fill: ink.muted, width: size * scale },
    ];
  }

  say() {
    if (!this.#targets.length) return;
    const { t, fill, name } = this.#page, { says, note, hint, input, stage, under, canvas } = this.#ui;
    const diagram = this.#diagram, isOne = diagram && diagram.inputs[0] !== null;
    for (const node of [says, stage, under]) node.hidden = !diagram;
    if (diagram && note.contains(note.getRootNode().activeElement)) canvas.focus(); // so that keys go on working
    if (diagram) canvas.setAttribute("aria-label", t("flow.label", { levels: diagram.levels.length }));
    note.hidden = Boolean(diagram);
    hint.textContent = t(isOne ? "flow.hint.one" : "flow.hint");
    input.box.hidden = !isOne;
    if (!diagram) return void note.replaceChildren(...this.#untraced());
    const words = this.#units[this.#onto], top = this.#units[diagram.top], chosen = diagram.inputs[this.#index];
    const parts = { target: name(top[diagram.target]) }, hidden = diagram.hidden[this.#index];
    if (!isOne) says.replaceChildren(...fill("flow.all", parts));
    else {
      const value = this.#page.value(diagram.target, chosen), cut = this.#arcs.filter((arc) => arc.cut);
      const names = shortNames(diagram.levels.map(([level]) => level));
      const levels = [...new Set(cut.map(({ level }) => level))].map((level) => names[level]);
      Object.assign(parts, { input: name(words[chosen]), value: el("b", {}, number(value)), n: cut.length });
      parts.levels = levels.slice(0, 3).join(t("comma")) + (levels.length > 3 ? " …" : "");
      says.replaceChildren(...fill(value > 0 ? "flow.one" : "flow.none", parts), " ", t("flow.ways"));
      const options = diagram.inputs.map((i) => el("option", { value: i }, words[i].text + words[i].place));
      input.select.replaceChildren(...options);
      input.select.value = chosen;
      const n = diagram.inputs.length, all = words.length;
      if (n < all) says.append(" ", t("flow.some", { all, n }));
    }
    if (hidden > 0.01) says.append(" ", t("flow.hidden", { share: percent(hidden) }));
  }

  #untraced() {
    const { fill, name, target } = this.#page, [{ top }] = this.#diagrams, units = this.#units[top];
    const to = (i) => el("button", { type: "button", click: () => target(i) }, units[i].text + units[i].place);
    const told = el("span", {}, ...fill("flow.untraced", { target: name(units[this.#targets[0]]) }));
    return [told, ...this.traced.slice(0, 12).map(to)];
  }

  // ---- pointing ---------------------------------------------------------------------------------------------------

  // The input whose name is there.
  #inputAt(event) {
    const { left, lanes, row } = this.#layout, { x, y } = this.#place(event), { inputs } = this.#diagram;
    const lane = lanes.find(({ stream }) => stream === this.#onto), i = Math.floor((y - lane.y) / row);
    return x < left + 6 && inputs.includes(i) ? i : null;
  }

  #place(event) {
    const box = this.#ui.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #ribbonAt(event) {
    const { canvas } = this.#ui, ctx = canvas.getContext("2d"), { x, y } = this.#place(event);
    const ratio = canvas.width / canvas.clientWidth, at = [x * ratio, y * ratio];
    ctx.lineWidth = 5; // a hair is hard to hit
    const hits = ({ path }) => ctx.isPointInPath(path, ...at) || ctx.isPointInStroke(path, ...at);
    return this.#layout.ribbons.findLast(hits) ?? null;
  }

  hover(event) {
    if (!this.#diagram || !this.#layout) return;
    const input = this.#inputAt(event), over = input === null ? this.#ribbonAt(event) : null;
    this.#ui.canvas.classList.toggle("pick", input !== null);
    if (input !== null && this.#pinned === null) this.#choose(input);
    this.#over = over;
    this.#page.repaint();
    this.#page.tip(over && this.#label(over.arc), event.clientX, event.clientY);
  }

  #label({ level, above, below, flow, cut }) {
    const { nodes, levels } = this.#diagram, word = (node) => {
      const unit = this.#units[nodes[node].stream][nodes[node].i];
      return [el("bdi", {}, unit.text), unit.place];
    };
    const note = cut ? [` · ${this.#page.t("flow.cut")}`] : [];
    return [`${levels[level][0]}: `, ...word(above), " → ", ...word(below), " ", el("b", {}, number(flow)), ...note];
  }

  leave() {
    this.#over = null;
    this.#page.tip(null);
    this.#page.repaint();
  }

  click(event) {
    const input = this.#diagram && this.#layout ? this.#inputAt(event) : null;
    if (input !== null) this.pin(input);
  }

  #ends() {
    const { top, target, inputs } = this.#diagram, input = inputs[this.#index];
    const word = (stream, i) => this.#units[stream][i].text + this.#units[stream][i].place;
    if (input === null) return word(top, target);
    return `${word(top, target)} → ${word(this.#onto, input)} ${number(this.#page.value(target, input))}`;
  }

  // To take away.
  picture() {
    const canvas = canvasOf(1, 1), parts = this.#parts(this.#ui.canvas.getContext("2d")), { ink } = parts;
    const { width, height } = parts.layout, ctx = this.#page.scaled(canvas, width + 32, height + 56, 3);
    ctx.fillStyle = ink.paper;
    ctx.fillRect(0, 0, width + 32, height + 56);
    ctx.fillStyle = ink.text;
    ctx.fillText(this.#page.title(this.#ends()), 16, 26, width);
    ctx.translate(16, 40);
    drawFlow(ctx, { ...parts, over: null });
    return canvas;
  }
}
