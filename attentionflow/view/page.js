// The attention page as one custom element: what is chosen, what it says, how it is painted and pointed at. It lives in
// a shadow root, so that several share a document. Its data is the JSON script inside it, and reaches the page as text
// alone. Nothing is ever requested. The parts are built in page.build.js; weights and heat maps are page.draw.js,
// the flow diagram is page.flow.js, and page.relevance.js says what must be known of a relevance, which is a group with
// one site: its rows are targets, its columns positions of the input.

const RTL = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const shown = (label) => (label === "" ? "∅" : label.trim() === "" ? "␣" : label);
const option = (value) => (value === "mean" ? value : Number(value)); // of a layer or a head

function number(value) {
  const size = Math.abs(value), sign = value < 0 ? "−" : "";
  if (size === 0) return "0";
  if (size < 1e-4) return `${sign}<0.0001`;
  return sign + (size >= 100 ? size.toFixed(0) : size >= 0.1 ? size.toFixed(2) : size.toPrecision(2));
}

const WRITTEN = ["token", "word", "item", "box"]; // kinds of axes whose labels are read; long ones of others become cells

class AttentionPage extends HTMLElement {
  #data; #words; #root; #ui; #said; #s; // #s: what is chosen
  #rows; #columns; #map; #picture; #layout; // what is shown: units of both axes, and their weights
  #images = new Map(); // the pictures that the axes lie on
  #ramp; #ink; #thumbs = new Map(); #turn = 0; #frame = 0; #drag = null; #flow;
  #dark = matchMedia("(prefers-color-scheme: dark)");
  #onDark = () => this.#setTheme();
  #resize = new ResizeObserver(() => { this.#layout = null; this.#flow.resize(); this.#repaint(); });

  connectedCallback() {
    // While the document is being read, the data may not all be here yet.
    if (document.readyState !== "loading") this.#start();
    else document.addEventListener("DOMContentLoaded", () => this.#start(), { once: true });
  }

  disconnectedCallback() {
    this.#dark.removeEventListener("change", this.#onDark);
    this.#resize.disconnect();
  }

  // What is shown, to read and not to change: for tests, and for a page around this one.
  get state() {
    if (!this.#map) return null;
    const { example, layer, head, merged, scale, axis, query, key, pinned, language, zoom } = this.#s;
    return {
      example, layer, head, merged, scale, axis, query, key, pinned, language, zoom,
      theme: this.#root.dataset.theme, group: this.#groupName(), max: this.#map.max, values: this.#line(),
      rows: this.#rows.map((u) => u.text), columns: this.#columns.map((u) => u.text),
      sentence: this.#ui.says.textContent, method: this.#group.method ?? null, flow: this.#flow.state,
    };
  }

  #start() {
    if (!this.#data) {
      const script = this.querySelector("script[type='application/json']");
      if (!script) return;
      const data = this.#data = JSON.parse(script.textContent);
      const language = data.language !== "auto" ? data.language : navigator.language.startsWith("zh") ? "zh" : "en";
      this.#s = { example: data.start, group: 0, wish: true, scales: {}, language, theme: data.theme };
      this.#build();
      this.#translate();
      this.#chooseGroup(0);
      if ("alone" in this.dataset) this.#root.focus({ preventScroll: true });
    }
    this.#dark.addEventListener("change", this.#onDark);
    this.#resize.observe(this.#ui.stage);
    this.#resize.observe(this.#ui.field);
    this.#resize.observe(this.#ui.flow.stage);
    this.#resize.observe(this.#ui.picture.stage);
  }

  #build() {
    const built = buildPage({
      group: (value) => this.#chooseGroup(Number(value)),
      example: (value) => { this.#s.example = Number(value); this.#chooseGroup(0); this.#heading(); },
      layer: (value) => this.#chooseMap(option(value), this.#s.head), stepLayer: (by) => this.#stepLayer(by),
      head: (value) => this.#chooseMap(this.#s.layer, option(value)), stepHead: (by) => this.#stepHead(by),
      merge: () => this.#merge(this.#ui.merged.checked),
      theme: () => this.#setTheme(this.#isDark ? "light" : "dark"),
      language: () => { this.#s.language = this.#s.language === "en" ? "zh" : "en"; this.#translate(); },
      help: () => this.#help(), scale: (scale) => this.#scale(scale), zoom: (by) => this.#zoom(by),
      over: (axis, i) => this.#over(axis, i), pin: (axis, i) => this.#pin(axis, i), leave: () => this.#leave(),
      focus: (axis, i) => { if (!this.#s.pinned) this.#activate(axis, i); },
      point: (event) => this.#point(event), grab: (event) => this.#grab(event), drop: (event) => this.#drop(event),
      wheel: (event) => this.#wheel(event), key: (event) => this.#key(event),
      hoverSmall: (event) => this.#hoverSmall(event), pickSmall: (event) => this.#pickSmall(event),
      copy: () => this.#copy(), save: () => this.#save(),
      picture: {
        hover: (event) => this.#overPicture(event), click: (event) => this.#pinOnPicture(event),
        grid: () => this.#repaint(),
      },
      flow: {
        hover: (event) => this.#flow.hover(event), leave: () => this.#flow.leave(),
        click: (event) => this.#flow.click(event), step: (by) => this.#flow.step(by),
        choose: (input) => this.#flow.pin(input), save: () => this.#saveFlow(),
      },
    });
    this.#root = built.root;
    this.#ui = built.ui;
    this.#said = built.said;
    this.#flow = new FlowFigure(this.#flowPage(), built.ui.flow);
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(this.#data.style);
    const shadow = this.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [sheet];
    shadow.append(this.#root);
  }

  // ---- choosing ---------------------------------------------------------------------------------------------------

  get #example() { return this.#data.examples[this.#s.example]; }
  get #group() { return this.#example.groups[this.#s.group]; }
  get #isRelevance() { return this.#group.role === "relevance"; }
  #sitesOf(layer) { return layer === "mean" ? this.#group.sites : [this.#group.sites[layer]]; }

  #layers() {
    const { sites } = this.#group;
    return [...sites.keys(), ...(sites.length > 1 ? ["mean"] : [])];
  }

  // Heads of two layers have nothing in common, so the mean of layers offers the mean of heads alone.
  #heads(layer) {
    const of = ({ heads }) => (!heads ? ["mean"] : heads.length > 1 ? ["mean", ...heads] : heads);
    const all = this.#sitesOf(layer).map(of);
    if (layer !== "mean") return all[0];
    return all.every((heads) => heads.length === 1 && heads[0] === all[0][0]) ? all[0] : ["mean"];
  }

  #chooseGroup(index) {
    const s = this.#s, from = this.#group;
    // A target stays chosen from one relevance to the next.
    if (this.#map && from?.role === "relevance") s.kept = { stream: from.queries, targets: this.#targets() };
    s.group = index;
    // In a relevance one target is chosen throughout.
    const pinned = this.#isRelevance;
    Object.assign(s, { axis: "query", query: -1, key: 0, pinned, cross: null, zoom: 1, x: 0, y: 0 });
    const { axes } = this.#example, { queries, keys, sites } = this.#group;
    s.mergeable = Boolean(axes[queries].units || axes[keys].units);
    s.merged = s.mergeable && s.wish;
    this.#tip(null);
    this.#setUnits();
    this.#giveFlow();
    this.#chooseMap(sites.length - 1, "mean");
  }

  #chooseMap(layer, head) {
    const heads = this.#heads(layer);
    this.#s.layer = layer;
    this.#s.head = heads.includes(head) ? head : heads[0];
    this.#load();
  }

  #stepLayer(by) {
    const layer = this.#layers()[this.#layers().indexOf(this.#s.layer) + by];
    if (layer !== undefined) this.#chooseMap(layer, this.#s.head);
  }

  #stepHead(by) {
    const heads = this.#heads(this.#s.layer), head = heads[heads.indexOf(this.#s.head) + by];
    if (head !== undefined) this.#chooseMap(this.#s.layer, head);
  }

  #merge(merged) {
    const s = this.#s;
    if (!s.mergeable) return;
    const query = this.#rows[s.query].at[0], key = this.#columns[s.key].at[0];
    s.merged = s.wish = merged;
    this.#setUnits();
    s.query = this.#rows.findIndex((u) => u.at.includes(query));
    s.key = this.#columns.findIndex((u) => u.at.includes(key));
    Object.assign(s, { cross: null, zoom: 1, x: 0, y: 0 });
    this.#load();
  }

  #setUnits() {
    const { axes } = this.#example, { queries, keys, rows } = this.#group;
    this.#rows = this.#named(unitsOf(axes[queries], rows, this.#s.merged));
    this.#columns = this.#named(unitsOf(axes[keys], null, this.#s.merged));
    this.#map = null;
    this.#fillStrip("query", this.#rows);
    this.#fillStrip("key", this.#columns);
  }

  // A label that occurs twice is told apart by its place.
  #named(units) {
    const count = new Map();
    for (const unit of units) {
      unit.text = shown(unit.label);
      count.set(unit.text, (count.get(unit.text) ?? 0) + 1);
    }
    units.forEach((unit, i) => { unit.place = count.get(unit.text) > 1 ? ` #${i + 1}` : ""; });
    return units;
  }

  async #load() {
    const turn = ++this.#turn, s = this.#s, sites = this.#sitesOf(s.layer);
    try {
      await this.#unpacked(sites);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (turn !== this.#turn) return; // a later choice overtook this one
    this.#map = mapOf(meanOf(sites, s.head), sites[0].weights.K, this.#rows, this.#columns);
    this.#picture = this.#layout = null;
    if (s.query < 0) this.#begin();
    if (this.#isRelevance) this.#aim();
    this.#labels();
    this.#repaint();
    this.#fillOverview(turn);
  }

  #fail(error) {
    this.#ui.error.textContent = this.#t("failed", { reason: error.message });
    this.#ui.error.hidden = false;
  }

  #unpacked(sites) {
    const unpackOnce = (site) => (site.ready ??= unpack(site, site.bits ?? this.#data.bits).then((weights) => {
      Object.assign(site, { weights, data: null });
    }));
    return Promise.all(sites.map(unpackOnce));
  }

  // A first row worth seeing, with the largest weight, marks such as </s> aside; and a scale on which most is visible.
  #begin() {
    const s = this.#s, map = this.#map, worth = (q) => map.rowMax[q] - (this.#rows[q].bare ? 1e9 : 0);
    s.query = this.#rows.reduce((best, _, q) => (worth(q) > worth(best) ? q : best), 0);
    if (!this.#isRelevance) s.scale = s.scales.weights === "row" ? "row" : map.clip < largest(map) ? "clip" : "map";
    else s.scale = s.scales.relevance ?? shareScale(map);
    if (!this.#isRelevance) return;
    const kept = s.kept?.stream === this.#group.queries ? s.kept.targets : [];
    s.query = [kept, this.#flow.traced].map((targets) => this.#rowOf(targets)).find((row) => row >= 0) ?? s.query;
  }

  // ---- relevance --------------------------------------------------------------------------------------------------

  #position(row) { return this.#group.rows?.[row] ?? row; }

  #targets() { return this.#rows[this.#s.query].at.map((row) => this.#position(row)); }

  // The first unit of the targets that holds one of these positions.
  #rowOf(positions) {
    return this.#rows.findIndex(({ at }) => at.some((row) => positions.includes(this.#position(row))));
  }

  // The relevance of one row of the recorded matrix for one position, before any merging.
  #relevanceOf(row, position) {
    const { K, low, step, codes } = this.#group.sites[0].weights;
    return low[row] + step[row] * codes[row * K + position] ** 2;
  }

  // The position of a unit of the input that the chosen target draws on most.
  #piece(k) {
    const [row] = this.#rows[this.#s.query].at, value = (position) => Math.abs(this.#relevanceOf(row, position));
    return this.#columns[k].at.reduce((best, position) => (value(position) > value(best) ? position : best));
  }

  #flowPage() {
    return {
      t: (key, values) => this.#t(key, values), fill: (key, parts) => this.#fill(key, parts),
      name: (unit) => this.#name(unit), stream: (name) => this.#stream(name),
      look: () => ({ ink: this.#ink, theme: this.#root.dataset.theme }),
      scaled: (...of) => this.#scaled(...of), tip: (...of) => this.#tip(...of), repaint: () => this.#repaint(),
      value: (target, position) => {
        const { rows } = this.#group;
        return this.#relevanceOf(rows ? rows.indexOf(target) : target, position);
      },
      input: (position) => { this.#s.key = this.#columns.findIndex(({ at }) => at.includes(position)); },
      target: (position) => this.#activate("query", this.#rowOf([position])), title: (text) => this.#pictureTitle(text),
    };
  }

  #giveFlow() {
    const { queries, keys, paths = [] } = this.#group, { axes } = this.#example;
    const streams = new Set(paths.flatMap((diagram) => diagram.streams.map(([stream]) => stream)));
    const units = [...streams].map((stream) => [stream, this.#named(unitsOf(axes[stream], null, false))]);
    this.#flow.give(paths, queries, keys, Object.fromEntries(units));
  }

  // Lets the diagram follow the chosen target, with its strongest input unless told.
  #aim(k = -1) {
    const line = this.#line().map(Math.abs), best = k < 0 ? line.indexOf(Math.max(...line)) : k;
    this.#s.key = best;
    this.#flow.show(this.#targets(), this.#piece(best)).catch((error) => this.#fail(error));
  }

  #methodName({ method, difference }) {
    const name = this.#words[`method.${method}`] ?? method;
    return difference ? `${name} (${difference})` : name;
  }

  // One a relevance, and one for all attention.
  #views() {
    const { groups } = this.#example, first = groups.findIndex(({ role }) => role !== "relevance");
    if (first < 1) return [];
    const attention = [this.#isRelevance ? first : this.#s.group, this.#t("view.weights")];
    return [...groups.slice(0, first).map((group, i) => [i, this.#methodName(group)]), attention];
  }

  #tabs() {
    const { tabs } = this.#ui, views = this.#views(), among = tabs.contains(this.shadowRoot.activeElement);
    tabs.hidden = !views.length;
    tabs.replaceChildren(...views.map(([group, text]) => {
      const pressed = group === this.#s.group;
      return el("button", { type: "button", "aria-pressed": pressed, click: () => this.#chooseGroup(group) }, text);
    }));
    if (among) tabs.querySelector("[aria-pressed='true']").focus();
  }

  #nextView() {
    const views = this.#views().map(([group]) => group);
    if (!this.#ui.tabs.contains(this.shadowRoot.activeElement)) this.#root.focus(); // what has it now may go
    if (views.length) this.#chooseGroup(views[(views.indexOf(this.#s.group) + 1) % views.length]);
  }

  // What must be known before looking, and how sure the values are.
  #tellRelevance() {
    const { notice, facts, top } = this.#ui, { groups } = this.#example, isRelevance = this.#isRelevance;
    const choose = (group) => this.#chooseGroup(group), methodName = (group) => this.#methodName(group);
    const say = { t: (key, values) => this.#t(key, values), methodName, choose };
    if (notice.contains(this.shadowRoot.activeElement)) this.#root.focus(); // so that keys go on working
    notice.replaceChildren(...(isRelevance ? noticeOf(this.#group, groups, say) : []));
    notice.hidden = !notice.hasChildNodes();
    facts.replaceChildren(...(isRelevance ? figuresOf(this.#group, say) : []));
    facts.hidden = top.hidden = !isRelevance;
  }

  // ---- words ------------------------------------------------------------------------------------------------------

  #t(key, values = {}) { return this.#words[key].replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all); }

  #stream(name) { return this.#words[`stream.${name}`] ?? name; }

  #groupName(named = this.#group) {
    const { role, queries, keys, rows } = named;
    const kind = role === "relevance" ? this.#methodName(named) : this.#words[`role.${role}`] ?? role;
    const streams = { queries: this.#stream(queries), keys: this.#stream(keys) };
    const group = this.#t(queries === keys ? "one.stream" : "two.streams", { role: kind, ...streams });
    if (!rows) return group;
    return this.#t("some.rows", { group, n: rows.length, all: this.#example.axes[queries].labels.length });
  }

  #layerName(layer) {
    const { sites } = this.#group;
    if (layer === "mean") return this.#t("layer.mean", { n: sites.length });
    return this.#t("layer.one", { n: sites[layer].layer + 1 });
  }

  #headName(head) { return head === "mean" ? this.#t("head.mean") : this.#t("head.one", { n: head + 1 }); }

  #translate() {
    this.#words = this.#data.strings[this.#s.language];
    this.#root.lang = this.#words.lang;
    for (const [node, key, attribute] of this.#said) {
      if (attribute) node.setAttribute(attribute, this.#words[key]);
      else node.textContent = this.#words[key];
    }
    this.#heading();
    this.#setTheme();
    if (this.#map) this.#labels();
  }

  #heading() {
    const { title, model, count } = this.#data;
    const place = count > 1 ? this.#t("example.of", { i: this.#example.index + 1, n: count }) : "";
    this.#root.setAttribute("aria-label", title);
    this.#ui.title.textContent = title;
    this.#ui.about.textContent = [model === title ? "" : model, place].filter(Boolean).join(" · ");
  }

  // Everything that names what is chosen.
  #labels() {
    const ui = this.#ui, s = this.#s, { queries, keys, role, sites, gap } = this.#group, { examples } = this.#data;
    const isRelevance = this.#isRelevance, groups = this.#example.groups.map((group, i) => [i, this.#groupName(group)]);
    this.#tabs();
    const ofAttention = groups.filter(([i]) => this.#example.groups[i].role !== "relevance");
    this.#options(ui.group, ofAttention, s.group, true);
    ui.group.box.hidden = isRelevance;
    this.#options(ui.example, examples.map(({ index }, i) => [i, String(index + 1)]), s.example);
    this.#options(ui.layer, this.#layers().map((layer) => [layer, this.#layerName(layer)]), s.layer);
    const several = sites.some((site) => site.shape[0] > 1);
    this.#options(ui.head, this.#heads(s.layer).map((head) => [head, this.#headName(head)]), s.head, several);
    ui.head.box.classList.toggle("off", s.layer === "mean");
    ui.merge.hidden = !s.mergeable;
    ui.merged.checked = s.merged;
    const names = { queries: this.#stream(queries), keys: this.#stream(keys), rows: this.#map.Q, columns: this.#map.K };
    for (const [axis, word, stream] of [["query", "queries", names.queries], ["key", "keys", names.keys]]) {
      const key = isRelevance ? `relevance.${word}` : word;
      ui.strips[axis].title.textContent = this.#t(key, { stream });
      ui.strips[axis].hint.textContent = this.#t(`${key}.hint`);
    }
    ui.axes.textContent = this.#t("map.axes", names);
    ui.heat.setAttribute("aria-label", this.#t("map.label", names));
    const grid = { layers: sites.length, heads: Math.max(...sites.map((site) => site.shape[0])) };
    ui.small.setAttribute("aria-label", this.#t("overview.label", grid));
    const even = this.#sitesOf(s.layer).every((site) => site.normalised);
    const merged = isRelevance ? ["merged.relevance", Number.isFinite(gap) && "merged.flow"] : ["merged.note"];
    const uneven = !isRelevance && !even && "unnormalised";
    const aside = [...(s.merged ? merged : []), role === "gate" && "gate.note", uneven];
    ui.aside.textContent = aside.filter(Boolean).map((key) => this.#t(key)).join(" ");
    if (isRelevance) ui.maps.before(ui.shades);
    else ui.under.prepend(ui.shades);
    this.#tellRelevance();
    this.#flow.say();
    this.#footer();
  }

  #options({ select, box }, all, now, always = false) {
    select.replaceChildren(...all.map(([value, text]) => el("option", { value }, text)));
    select.value = now;
    box.hidden = !always && all.length < 2;
  }

  #footer() {
    const { averaged, notes } = this.#data, { settings = {}, sites } = this.#group;
    const { bits = this.#data.bits } = sites[0];
    const facts = this.#sitesOf(this.#s.layer).map(({ name, shape }) => `${name} · ${shape[1]} × ${shape[2]}`);
    for (const [key, value] of Object.entries(settings)) facts.push(`· ${key} ${value}`);
    if (facts.length > 2 && !this.#isRelevance) facts.splice(1, facts.length - 2, "…");
    const told = averaged ? [this.#t("averaged"), ...notes] : notes;
    const remarks = told.map((note) => el("li", { dir: "auto" }, note));
    const precision = this.#t("precision", { n: (2 ** bits - 1).toLocaleString("en") });
    this.#ui.foot.replaceChildren(
      el("p", { class: "caveat" }, this.#t(this.#isRelevance ? "caveat.relevance" : "caveat")),
      ...(remarks.length ? [el("ul", {}, ...remarks)] : []),
      el("p", { class: "facts" }, el("code", { dir: "auto" }, facts.join(" ")), " · ", precision));
  }

  #name(unit, pieces = false) {
    const many = pieces && unit.n > 1 ? ` (${this.#t("pieces", { n: unit.n })})` : "";
    return ["“", el("bdi", {}, unit.text), `”${unit.place}${many}`];
  }

  // A template with nodes in its gaps, so that labels stay text and keep their own direction.
  #fill(key, parts) {
    return this.#words[key].split(/\{(\w+)\}/).flatMap((part, i) => (i % 2 ? parts[part] : part));
  }

  // The row or the column that is chosen.
  #line() {
    const { axis, query, key } = this.#s, { Q, K, values } = this.#map;
    if (axis === "query") return Array.from(values.subarray(query * K, query * K + K));
    return Array.from({ length: Q }, (_, q) => values[q * K + key]);
  }

  #sentence() {
    const s = this.#s, isRow = s.axis === "query", others = isRow ? this.#columns : this.#rows, line = this.#line();
    const order = [...line.keys()].filter((i) => line[i] !== 0).sort((a, b) => Math.abs(line[b]) - Math.abs(line[a]));
    const top = order.filter((i) => Math.abs(line[i]) >= 0.01 * Math.abs(line[order[0]])).slice(0, 4);
    const left = order.slice(top.length), sum = left.reduce((total, i) => total + line[i], 0);
    const item = (i) => [...this.#name(others[i]), " ", el("b", {}, number(line[i]))];
    const list = top.flatMap((i, n) => (n ? [this.#t("comma"), ...item(i)] : item(i)));
    const sums = isRow && !this.#isRelevance; // flows of several inputs do not add up
    const rest = !left.length ? "rest.none" : !sums ? "rest.column" : left.length > 1 ? "rest.row" : "rest.one";
    const parts = {
      label: this.#name(isRow ? this.#rows[s.query] : this.#columns[s.key], true),
      site: this.#words[`of.${this.#group.role}`] ?? this.#group.role,
      layer: this.#layerName(s.layer), head: this.#headName(s.head), method: this.#methodName(this.#group),
      list: list.length ? list : this.#t("nothing"), rest: this.#t(rest, { n: left.length, value: number(sum) }),
    };
    this.#ui.says.replaceChildren(...this.#fill(this.#isRelevance ? "relevance" : isRow ? "row" : "column", parts));
    if (s.pinned && !this.#isRelevance) this.#ui.says.append(" ", el("span", { class: "badge" }, this.#t("pinned")));
  }

  // ---- painting ---------------------------------------------------------------------------------------------------

  // A notebook says its own theme on the body; elsewhere the system's counts.
  get #isDark() {
    if (this.#s.theme !== "auto") return this.#s.theme === "dark";
    const { jpThemeLight, vscodeThemeKind } = document.body.dataset;
    if (jpThemeLight) return jpThemeLight === "false";
    return vscodeThemeKind ? vscodeThemeKind.includes("dark") : this.#dark.matches;
  }

  #setTheme(theme = this.#s.theme) {
    this.#s.theme = theme;
    const name = this.#isDark ? "dark" : "light";
    this.#root.dataset.theme = name;
    this.#ramp = rampOf(name);
    const style = getComputedStyle(this.#root), of = (key) => [key, style.getPropertyValue(`--${key}`).trim()];
    this.#ink = Object.fromEntries(["text", "label", "muted", "accent", "cross"].map(of));
    Object.assign(this.#ink, { paper: css(rgb(RAMPS[name].paper)), font: style.fontFamily });
    this.#ui.theme.textContent = this.#t(this.#isDark ? "theme.light" : "theme.dark");
    this.#picture = null;
    this.#repaint();
  }

  #scale(scale) {
    this.#s.scale = this.#s.scales[this.#isRelevance ? "relevance" : "weights"] = scale;
    this.#picture = null;
    this.#repaint();
  }

  #repaint() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (!this.#map) return;
      this.#sentence();
      this.#paintStrips();
      this.#paintPicture();
      this.#paintHeat();
      this.#paintLegend();
      this.#paintOverview();
      if (!this.#isRelevance) return;
      this.#ui.rows.replaceChildren(...topRows(this.#line(), this.#columns));
      this.#flow.paint();
    });
  }

  #fillStrip(axis, units) {
    const strip = this.#ui.strips[axis], { queries, keys } = this.#group;
    const { kind } = this.#example.axes[axis === "query" ? queries : keys];
    const cells = !WRITTEN.includes(kind) && units.length > 24;
    strip.line.classList.toggle("cells", cells);
    strip.tokens = units.map((unit, i) => {
      const names = ["token", unit.bare && "bare", unit.joins && "joins"].filter(Boolean).join(" ");
      const title = cells || unit.text.length > 24 ? { title: unit.text } : {};
      const attributes = { class: names, role: "option", tabindex: "-1", dir: "auto", "data-i": i, ...title };
      return el("span", attributes, unit.text);
    });
    strip.line.dir = units.filter((unit) => RTL.test(unit.text)).length * 2 > units.length ? "rtl" : "ltr";
    if (strip.line.contains(this.shadowRoot.activeElement)) this.#root.focus(); // so that keys go on working
    strip.line.replaceChildren(...strip.tokens);
  }

  #paintStrips() {
    const s = this.#s, aimed = this.#isRelevance && this.#flow.traced.length > 0;
    for (const [axis, { line, title, tokens }] of Object.entries(this.#ui.strips)) {
      const active = s.axis === axis;
      line.setAttribute("aria-label", title.textContent);
      tokens.forEach((token, i) => {
        const [q, k] = axis === "query" ? [i, s.key] : [s.query, i], chosen = active && i === s[axis];
        const paint = active ? null : colour(this.#ramp, shade(this.#map, q, k, s.scale));
        token.style.background = paint ? css(paint) : "";
        token.style.color = paint ? (isDeep(paint) ? "#fff" : "#10141c") : "";
        token.setAttribute("aria-selected", chosen);
        token.classList.toggle("chosen", chosen);
        token.classList.toggle("pinned", chosen && s.pinned);
        token.classList.toggle("aimed", aimed && axis === "key" && i === s.key);
        token.tabIndex = i === s[axis] ? 0 : -1;
      });
    }
    const sizes = this.#line().map(Math.abs), strongest = sizes.indexOf(Math.max(...sizes));
    this.#reveal("query", s.axis === "query" ? s.query : strongest);
    this.#reveal("key", s.axis === "query" ? strongest : s.key);
  }

  // Scrolls a long line, and never the page, unless the reader is in that line.
  #reveal(axis, i) {
    const { line, tokens } = this.#ui.strips[axis], { offsetTop, offsetHeight } = tokens[i];
    if (line.matches(":hover") || line.scrollHeight <= line.clientHeight) return;
    const inView = offsetTop >= line.scrollTop && offsetTop + offsetHeight <= line.scrollTop + line.clientHeight;
    if (!inView) line.scrollTop = offsetTop - line.clientHeight / 2;
  }

  #scaled(canvas, width, height, ratio = devicePixelRatio || 1) {
    const w = Math.round(width * ratio), h = Math.round(height * ratio);
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    const ctx = canvas.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, width, height);
    ctx.font = `12px ${this.#ink.font}`;
    return ctx;
  }

  // What drawHeat needs; the layout and the picture are kept until something changes them.
  #heatParts() {
    const map = this.#map, rows = this.#rows, columns = this.#columns, ctx = this.#ui.heat.getContext("2d");
    ctx.font = `12px ${this.#ink.font}`;
    this.#layout ??= layoutOf(ctx, map, rows, columns, Math.max(220, this.#ui.stage.clientWidth), 560);
    this.#picture ??= pictureOf(map, this.#ramp, this.#s.scale);
    const layout = this.#layout, seen = windowOf(map, layout, this.#s);
    return { map, picture: this.#picture, layout, rows, columns, seen, marks: this.#s, ink: this.#ink };
  }

  #paintHeat() {
    const parts = this.#heatParts(), { left, top, right, width, height } = parts.layout;
    this.#ui.heat.style.touchAction = this.#s.zoom > 1 ? "none" : "pan-y";
    drawHeat(this.#scaled(this.#ui.heat, left + width + right, top + height + 10), parts);
  }

  #paintLegend() {
    const ui = this.#ui, map = this.#map, { scale } = this.#s, ends = this.#ends();
    for (const [name, button] of Object.entries(ui.scales)) button.setAttribute("aria-pressed", name === scale);
    ui.scales.clip.hidden = this.#isRelevance || (scale !== "clip" && map.clip >= largest(map));
    ui.scales.map.hidden = this.#isRelevance;
    ui.scales.root.hidden = ui.scales.span.hidden = ui.share.hidden = !this.#isRelevance;
    if (this.#isRelevance) this.#tellShare();
    else {
      ui.low.textContent = ends.min < 0 && scale !== "row" ? number(ends.min) : "0";
      const high = (ends.max < map.max ? "≥ " : "") + number(ends.max);
      ui.high.textContent = scale === "row" ? this.#t("row.max") : high;
    }
    drawLegend(ui.bar.getContext("2d"), 0, 0, 120, 9, this.#ramp, ends);
  }

  // Of a relevance: every row from 0, or from its least, to its own strongest.
  #tellShare() {
    const { share, low, high } = this.#ui, { scale, query } = this.#s, most = this.#map.rowMax[query];
    const least = scale === "span" && most > 0 ? Math.max(0, this.#map.rowMin[query]) / most : 0;
    share.textContent = this.#t(`share.${scale}`);
    low.textContent = this.#map.min < 0 && scale !== "span" ? "−100%" : percent(least);
    high.textContent = `100% = ${exact(most)}`;
  }

  // What the ends of the legend stand for.
  #ends() {
    const { max, min, clip } = this.#map;
    if (["row", "root", "span"].includes(this.#s.scale)) return { max: 1, min: min < 0 ? -1 : 0 };
    return this.#s.scale === "clip" ? { max: Math.min(max, clip), min: Math.max(min, -clip) } : { max, min };
  }

  // ---- picture ----------------------------------------------------------------------------------------------------

  // Where rows and columns lie: their boxes and the picture, and its seconds if it is a strip; null where on none.
  #onPicture() {
    const { pictures, axes } = this.#example, { queries, keys } = this.#group;
    const of = (stream, units, position) => {
      const { boxes, picture, seconds } = axes[stream], source = boxes && pictures[picture];
      return source ? { boxes: units.map(({ at }) => boxes[position(at[0])]), source, seconds } : null;
    };
    const rows = of(queries, this.#rows, (row) => this.#position(row)), columns = of(keys, this.#columns, (at) => at);
    if (!rows && !columns) return null;
    const ofRow = this.#s.axis === "query", others = ofRow ? columns : rows, own = ofRow ? rows : columns;
    const main = others ?? own, apart = own && own.source !== main.source; // what is chosen lies on a picture of its own
    return { rows, columns, ofRow, others, own, main, apart };
  }

  #loaded(source) {
    if (!this.#images.has(source)) {
      const image = new Image();
      this.#images.set(source, { image, ready: false });
      image.src = source;
      image.decode().then(() => { this.#images.get(source).ready = true; this.#repaint(); })
        .catch((error) => this.#fail(error));
    }
    const { image, ready } = this.#images.get(source);
    return ready ? image : null;
  }

  #paintPicture() {
    const on = this.#onPicture(), { figure, canvas, other, stage, title, hint } = this.#ui.picture, s = this.#s;
    figure.hidden = !on;
    if (!on) return;
    const { ofRow, others, own, main, apart } = on;
    other.hidden = !apart;
    const image = this.#loaded(main.source), theirs = apart ? this.#loaded(own.source) : null;
    if (!image || (apart && !theirs)) return;
    const units = ofRow ? this.#rows : this.#columns, chosen = s[s.axis], room = Math.max(220, stage.clientWidth);
    const { seconds } = main, kind = seconds ? "strip" : "picture";
    figure.classList.toggle("strip", kind === "strip");
    this.#ui.picture.lines.hidden = kind === "strip";
    title.textContent = this.#t(kind);
    hint.textContent = this.#t(apart ? "picture.two" : `${kind}.hint`);
    canvas.setAttribute("aria-label", this.#t(`${kind}.label`, { label: units[chosen].text }));
    // What a row looks at most is bright, however thinly it spreads its weight; relevance has scales that do the same.
    const scale = ofRow && !this.#isRelevance ? "row" : s.scale;
    const cells = others?.boxes ?? [];
    const shares = cells.map((_, i) => shade(this.#map, ofRow ? s.query : i, ofRow ? i : s.key, scale));
    if (seconds) {
      const fills = shares.map((share) => css(colour(this.#ramp, share)));
      const parts = { image, width: room, seconds, cells, fills, chosen: own?.boxes[chosen], ink: this.#ink };
      drawStrip(this.#scaled(canvas, room, stripHeight()), { ...parts, dark: this.#isDark });
      return;
    }
    const ofPlaces = this.#example.axes[ofRow ? this.#group.queries : this.#group.keys].kind !== "box";
    const outlines = (own?.boxes ?? [])
      .map((box, i) => ({ box, text: ofPlaces ? "" : units[i].text, strong: i === chosen }))
      .filter(({ box, strong }) => box && (strong || !ofPlaces));
    const draw = (where, image, what) => {
      const [width, height] = sizeOnPage(image, room);
      drawOnPicture(this.#scaled(where, width, height), { image, width, height, ink: this.#ink, ...what });
    };
    const lined = this.#ui.picture.grid.checked, lines = (axis) => (lined ? axis?.boxes ?? [] : []);
    draw(canvas, image, { cells, shares, lines: lines(main), outlines: apart ? [] : outlines });
    if (apart) draw(other, theirs, { cells: [], shares: [], lines: lines(own), outlines });
  }

  // The row and the column under the pointer, -1 where there is none.
  #underPointer({ currentTarget, clientX, clientY }) {
    const on = this.#onPicture(), box = currentTarget.getBoundingClientRect();
    const at = [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
    const shown = currentTarget === this.#ui.picture.other ? on?.own : on?.main;
    const found = (axis) => boxAt(axis && axis.source === shown.source ? axis.boxes : [], ...at);
    return { row: found(on?.rows), column: found(on?.columns) };
  }

  #overPicture(event) {
    const { row, column } = this.#underPointer(event), s = this.#s;
    if (row >= 0 && !s.pinned) this.#activate("query", row);
    if (column >= 0) this.#cross(s.query, column, event.clientX, event.clientY);
  }

  #pinOnPicture(event) {
    const { row, column } = this.#underPointer(event);
    if (row >= 0) this.#pin("query", row);
    else if (column >= 0 && this.#isRelevance) this.#lead(column);
  }

  // ---- overview ---------------------------------------------------------------------------------------------------

  // Layers down, heads across; the means come last.
  #grid() {
    const layers = this.#layers(), all = new Set(layers.flatMap((layer) => this.#heads(layer))), left = 42, top = 18;
    const place = (head) => (head === "mean" ? Infinity : head), heads = [...all].sort((a, b) => place(a) - place(b));
    const size = clamp(Math.floor((this.#ui.field.clientWidth - left) / heads.length) - 4, 18, 72);
    return { layers, heads, left, top, pitch: size + 4, size };
  }

  #thumbKey(layer, head) { return [this.#s.example, this.#s.group, this.#s.merged, layer, head].join(" "); }

  // A map at a time, so that the page stays alive while large ones are unpacked.
  async #fillOverview(turn) {
    const { layers, heads } = this.#grid();
    this.#ui.overview.hidden = layers.length * heads.length < 2;
    for (const layer of this.#ui.overview.hidden ? [] : layers) {
      const sites = this.#sitesOf(layer);
      await this.#unpacked(sites);
      for (const head of this.#heads(layer)) {
        await new Promise((resolve) => setTimeout(resolve));
        if (turn !== this.#turn) return;
        const key = this.#thumbKey(layer, head);
        if (this.#thumbs.has(key)) continue;
        const map = mapOf(meanOf(sites, head), sites[0].weights.K, this.#rows, this.#columns);
        this.#thumbs.set(key, { map: pooled(map, 64) });
      }
      this.#paintOverview();
    }
  }

  #paintOverview() {
    if (this.#ui.overview.hidden) return;
    const grid = this.#grid(), { layers, heads, left, top, pitch } = grid;
    const ctx = this.#scaled(this.#ui.small, left + heads.length * pitch, top + layers.length * pitch);
    const name = (value, place) => (value === "mean" ? this.#t("overview.mean") : String(place + 1));
    const names = { head: (head) => name(head, head), layer: (layer) => name(layer, this.#group.sites[layer]?.layer) };
    ctx.font = `11.5px ${this.#ink.font}`;
    const thumbOf = (layer, head) => this.#thumbPicture(layer, head);
    drawOverview(ctx, grid, names, this.#s, thumbOf, css(this.#ramp[255]), this.#ink);
  }

  #thumbPicture(layer, head) {
    if (!this.#heads(layer).includes(head)) return undefined;
    const thumb = this.#thumbs.get(this.#thumbKey(layer, head));
    if (!thumb) return null;
    if (thumb.ramp !== this.#ramp) thumb.picture = pictureOf(thumb.map, this.#ramp, "clip");
    thumb.ramp = this.#ramp;
    return thumb.picture;
  }

  #smallAt(event) {
    const { layers, heads, left, top, pitch } = this.#grid(), box = this.#ui.small.getBoundingClientRect();
    const layer = layers[Math.floor((event.clientY - box.top - top) / pitch)];
    const head = heads[Math.floor((event.clientX - box.left - left) / pitch)];
    return layer !== undefined && this.#heads(layer).includes(head) ? { layer, head } : null;
  }

  #hoverSmall(event) {
    const at = this.#smallAt(event);
    this.#ui.small.classList.toggle("pick", Boolean(at));
    this.#tip(at && [`${this.#layerName(at.layer)}, ${this.#headName(at.head)}`], event.clientX, event.clientY);
  }

  #pickSmall(event) {
    const at = this.#smallAt(event);
    if (at) this.#chooseMap(at.layer, at.head);
  }

  // ---- pointing ---------------------------------------------------------------------------------------------------

  #activate(axis, index) {
    if (this.#isRelevance && axis === "key") return void this.#over(axis, index);
    Object.assign(this.#s, { axis, [axis]: index });
    if (this.#isRelevance) this.#aim();
    this.#repaint();
  }

  // A pinned word stays: pointing at the other line then reads off single weights.
  #over(axis, i) {
    const s = this.#s;
    if (!s.pinned) this.#activate(axis, i);
    else if (s.axis !== axis && this.#map) {
      const { left, top, width } = this.#ui.strips[axis].tokens[i].getBoundingClientRect();
      this.#cross(axis === "query" ? i : s.query, axis === "key" ? i : s.key, left + width / 2, top);
      if (this.#isRelevance) this.#lead(i);
    }
  }

  // Leads the diagram to an input.
  #lead(k) {
    this.#s.key = k;
    this.#flow.point(this.#piece(k));
  }

  #pin(axis, i) {
    const s = this.#s;
    if (this.#isRelevance && axis === "key") return void this.#flow.pin(this.#piece(i));
    if (this.#isRelevance) return void this.#activate(axis, i);
    s.pinned = !(s.pinned && s.axis === axis && s[axis] === i);
    this.#activate(axis, i);
  }

  #leave() {
    this.#s.cross = null;
    this.#tip(null);
    this.#repaint();
  }

  #cross(q, k, x, y) {
    const value = this.#map.values[q * this.#map.K + k], row = this.#rows[q], column = this.#columns[k];
    const small = value !== 0 && Math.abs(value) < 1e-3, fine = this.#isRelevance || this.#data.bits === 16;
    const written = this.#isRelevance ? exact(value) : small ? value.toPrecision(2) : value.toFixed(fine ? 4 : 3);
    this.#s.cross = { q, k };
    const labels = [el("bdi", {}, row.text), `${row.place} → `, el("bdi", {}, column.text), `${column.place} `];
    this.#tip([...labels, el("b", {}, written)], x, y);
    this.#repaint();
  }

  #tip(content, x = 0, y = 0) {
    const { tip } = this.#ui;
    tip.hidden = !content;
    if (!content) return;
    tip.replaceChildren(...content);
    const root = this.#root.getBoundingClientRect();
    tip.style.left = `${clamp(x - root.left - tip.offsetWidth / 2, 4, root.width - tip.offsetWidth - 4)}px`;
    tip.style.top = `${y - root.top - tip.offsetHeight - 10}px`;
  }

  #cellAt(event) {
    const { layout, seen, map } = this.#heatParts(), box = this.#ui.heat.getBoundingClientRect();
    const x = (event.clientX - box.left - layout.left) / layout.width;
    const y = (event.clientY - box.top - layout.top) / layout.height;
    if (x < 0 || y < 0 || x >= 1 || y >= 1) return null;
    const at = (from, size, share, n) => clamp(Math.floor(from + share * size), 0, n - 1);
    return { x, y, q: at(seen.y, seen.h, y, map.Q), k: at(seen.x, seen.w, x, map.K) };
  }

  #point(event) {
    if (!this.#map || this.#pan(event)) return;
    const cell = this.#cellAt(event);
    if (!cell) return void this.#leave();
    if (!this.#s.pinned) Object.assign(this.#s, { axis: "query", query: cell.q, key: cell.k });
    this.#cross(cell.q, cell.k, event.clientX, event.clientY);
  }

  #grab(event) {
    if (!this.#map) return;
    this.#drag = { x: event.clientX, y: event.clientY, seen: this.#heatParts().seen, moved: false };
    this.#ui.heat.setPointerCapture(event.pointerId);
  }

  #pan(event) {
    if (!this.#drag) return false;
    const { x, y, seen } = this.#drag, { layout } = this.#heatParts(), dx = event.clientX - x, dy = event.clientY - y;
    this.#drag.moved ||= Math.hypot(dx, dy) > 4;
    if (!this.#drag.moved || this.#s.zoom <= 1) return this.#drag.moved;
    Object.assign(this.#s, { x: seen.x - (dx / layout.width) * seen.w, y: seen.y - (dy / layout.height) * seen.h });
    this.#leave();
    return true;
  }

  #drop(event) {
    const clicked = this.#drag && !this.#drag.moved && event.type === "pointerup";
    this.#drag = null;
    const cell = clicked && this.#cellAt(event);
    if (cell) this.#pin("query", cell.q);
  }

  #wheel(event) {
    if (!event.ctrlKey || !this.#map) return; // a plain wheel scrolls the page
    event.preventDefault();
    this.#zoom(event.deltaY < 0 ? 1.25 : 0.8, this.#cellAt(event) ?? undefined);
  }

  // About a point of the map, which stays in place; 0 shows all of it.
  #zoom(by, { x, y } = { x: 0.5, y: 0.5 }) {
    if (!this.#map) return;
    const { map, layout, seen } = this.#heatParts(), s = this.#s;
    const most = Math.max(1, (CELL * map.K) / layout.width, (CELL * map.Q) / layout.height);
    s.zoom = by ? clamp(s.zoom * by, 1, most) : 1;
    const { w, h } = windowOf(map, layout, s);
    const next = windowOf(map, layout, { zoom: s.zoom, x: seen.x + x * (seen.w - w), y: seen.y + y * (seen.h - h) });
    Object.assign(s, { x: next.x, y: next.y });
    this.#repaint();
  }

  // ---- keys -------------------------------------------------------------------------------------------------------

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.#map) return;
    const target = event.composedPath()[0], line = target.closest?.(".line");
    if (target.tagName === "SELECT" && event.key in ARROWS) return;
    const inFlow = target === this.#ui.flow.canvas;
    const acts = {
      "[": () => this.#stepLayer(-1), "]": () => this.#stepLayer(1),
      ",": () => this.#stepHead(-1), ".": () => this.#stepHead(1),
      m: () => this.#merge(!this.#s.merged), v: () => this.#nextView(), g: () => this.#ui.picture.grid.click(),
      "?": () => this.#help(), Escape: () => this.#release(),
      "+": () => this.#zoom(1.6), "=": () => this.#zoom(1.6), "-": () => this.#zoom(1 / 1.6), 0: () => this.#zoom(0),
    };
    const axis = line === this.#ui.strips.key.line ? "key" : "query";
    const pins = (event.key === "Enter" || event.key === " ") && (line || target === this.#ui.heat);
    if (Object.hasOwn(acts, event.key)) acts[event.key]();
    else if (inFlow && event.key in ARROWS) this.#moveInFlow(...ARROWS[event.key]);
    else if (inFlow && event.key === "Enter") this.#flow.pin(this.#flow.state?.input ?? null);
    else if (event.key in ARROWS && line) this.#moveInLine(axis, ...ARROWS[event.key]);
    else if (event.key in ARROWS) this.#moveOnMap(...ARROWS[event.key]);
    else if (pins) this.#pin(axis, this.#s[axis]);
    else return;
    event.preventDefault();
    event.stopPropagation(); // a notebook has meanings of its own for single keys
  }

  #moveInLine(axis, down, right) {
    const { line, tokens } = this.#ui.strips[axis], along = down + right * (line.dir === "rtl" ? -1 : 1);
    const next = clamp(this.#s[axis] + along, 0, tokens.length - 1);
    this.#activate(axis, next);
    tokens[next].focus();
  }

  #moveInFlow(down, right) {
    if (down) this.#flow.step(down);
    else this.#activate("query", clamp(this.#s.query + right, 0, this.#map.Q - 1));
  }

  #moveOnMap(down, right) {
    const s = this.#s, q = clamp(s.query + down, 0, this.#map.Q - 1), k = clamp(s.key + right, 0, this.#map.K - 1);
    const into = (at, from, size) => (at < from ? at : at + 1 > from + size ? at + 1 - size : from);
    const { layout, seen: { x, y, w, h } } = this.#heatParts();
    Object.assign(s, { axis: "query", query: q, key: k, x: into(k, x, w), y: into(q, y, h) });
    if (this.#isRelevance) this.#aim(k);
    const box = this.#ui.heat.getBoundingClientRect();
    const left = box.left + layout.left + ((k + 0.5 - s.x) / w) * layout.width;
    this.#cross(q, k, left, box.top + layout.top + ((q - s.y) / h) * layout.height);
  }

  #release() {
    this.#s.pinned = this.#isRelevance;
    this.#flow.release();
    this.#ui.help.hidden = true;
    this.#leave();
  }

  #help() {
    this.#ui.help.hidden = !this.#ui.help.hidden;
    this.#ui.helpButton.setAttribute("aria-expanded", !this.#ui.help.hidden);
  }

  // ---- taking away ------------------------------------------------------------------------------------------------

  async #copy() {
    if (!this.#map) return;
    const others = this.#s.axis === "query" ? this.#columns : this.#rows, line = this.#line();
    const row = (unit, i) => [i + 1, unit.label.replace(/\s+/g, " "), Number(line[i].toPrecision(5))].join("\t");
    const done = await copyText(others.map(row).join("\n"), this.#root);
    this.#ui.copy.textContent = this.#t(done ? "copied" : "copy.failed");
    setTimeout(() => { this.#ui.copy.textContent = this.#t("copy"); }, 1500);
  }

  #save() {
    if (!this.#map) return;
    const { layer, head } = this.#s, { role, queries, keys, sites } = this.#group, { low, high } = this.#ui;
    const count = (value, place) => (value === "mean" ? value : place + 1);
    const place = ["layer", count(layer, sites[layer]?.layer), "head", count(head, head)];
    const kind = this.#isRelevance ? [role, sites[0].name] : ["attention", role];
    const name = [...kind, queries, keys, ...(this.#isRelevance ? [] : place)];
    const title = this.#pictureTitle(...(this.#isRelevance ? [] : [this.#layerName(layer), this.#headName(head)]));
    const legend = { ends: this.#ends(), ramp: this.#ramp, low: low.textContent, high: high.textContent };
    if (this.#isRelevance) legend.high = this.#t("row.max"); // of each row, not of the chosen one
    if (this.#s.scale === "root") legend.high += ` · ${this.#t("scale.root")}`;
    if (this.#s.scale === "span") legend.low = this.#t("row.min");
    const parts = this.#heatParts(), { left, top, right, width, height } = parts.layout, canvas = canvasOf(1, 1);
    const size = [Math.max(left + width + right, 420) + 32, top + height + 92];
    drawFigure(this.#scaled(canvas, ...size, 3), size, parts, title, legend);
    download(canvas, name.join("-"));
  }

  // A picture of a relevance carries its verdict.
  #pictureTitle(...more) {
    const { verdict } = this.#group;
    return [this.#groupName(), ...more, ...(verdict ? [this.#t(`verdict.${verdict}`)] : [])].join(" · ");
  }

  #saveFlow() {
    const { method } = this.#group, { target, input } = this.#flow.state ?? {};
    if (target === undefined) return;
    download(this.#flow.picture(), ["flow", method, target + 1, ...(input === null ? [] : [input + 1])].join("-"));
  }
}

function download(canvas, name) {
  canvas.toBlob((blob) => {
    const href = URL.createObjectURL(blob);
    el("a", { href, download: `${name.replace(/[^\p{L}\p{N}_-]+/gu, "_")}.png` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 10000);
  });
}

async function copyText(text, near) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { // no permission, or not a secure page
    const area = el("textarea", { class: "unseen" });
    area.value = text;
    near.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }
}

if (!customElements.get(TAG)) customElements.define(TAG, AttentionPage);
