// The parts of the page, built once and empty: page.js fills them, and sets their words in the reader's language.

const HELP = [
  ["↑ ↓ ← →", "arrows"], ["[ ]", "layers"], [", .", "heads"], ["m", "merge"], ["g", "grid"],
  ["Enter", "pin"], ["+ − 0", "zoom"], ["v", "views"], ["?", "help"],
];

// Attributes that are functions listen to the event of that name.
function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

// on: what to do when the reader acts. Gives the parts by name, and which words go where: [node, key, attribute].
function buildPage(on) {
  const ui = {}, said = [];
  const say = (node, key, attribute = "") => {
    said.push([node, key, attribute]);
    return node;
  };
  const button = (key, click, hint) => {
    const node = say(el("button", { type: "button", click }), key);
    return hint ? say(node, hint, "title") : node;
  };
  const glyph = (text, click, key, kind = "") => {
    const node = el("button", { type: "button", class: kind, click }, text);
    return say(say(node, key, "aria-label"), key, "title");
  };
  const about = (key) => (key ? say(el("span", { class: "about" }), key) : el("span", { class: "about", dir: "auto" }));
  const pair = (...parts) => el("span", { class: "pair", role: "group" }, ...parts);

  const choice = (key, choose, step) => {
    const select = say(el("select", { change: () => choose(select.value) }), key, "aria-label");
    const arrow = (text, by, name) => glyph(text, () => step(by), name, "step");
    const parts = step ? [arrow("‹", -1, "previous"), select, arrow("›", 1, "next")] : [select];
    return { select, box: el("div", { class: "choice" }, say(el("span", { class: "name" }), key), pair(...parts)) };
  };

  const strip = (axis) => {
    const at = (event) => Number(event.target.closest?.("[data-i]")?.dataset.i ?? -1);
    const to = (run) => (event) => { if (at(event) >= 0) run(axis, at(event)); };
    const listen = { pointerover: to(on.over), focusin: to(on.focus), click: to(on.pin), pointerleave: on.leave };
    const line = el("div", { class: "line", role: "listbox", "aria-orientation": "horizontal", ...listen });
    const title = el("h3"), hint = about();
    const box = el("section", { class: "strip" }, el("div", { class: "cap" }, title, hint), line);
    return { line, title, hint, tokens: [], box };
  };

  const header = () => {
    ui.title = el("h2", { dir: "auto" });
    ui.about = about();
    ui.theme = button("theme.dark", on.theme, "theme.hint");
    ui.helpButton = button("help", on.help);
    const tools = el("div", { class: "tools" }, ui.helpButton, ui.theme, button("other", on.language, "language.hint"));
    return el("header", {}, el("div", { class: "head" }, ui.title, ui.about), tools);
  };

  const help = () => {
    const keys = HELP.flatMap(([names, key]) => [
      el("dt", {}, ...names.split(" ").map((name) => el("kbd", {}, name))),
      say(el("dd"), `keys.${key}`),
    ]);
    ui.help = el("section", { class: "help", hidden: "" },
      say(el("h3"), "help.title"), el("dl", {}, ...keys), say(el("p"), "help.count"));
    return ui.help;
  };

  // The views: one a relevance, and one for attention.
  const controls = () => {
    ui.tabs = say(el("div", { class: "tabs pair", role: "group" }), "views", "aria-label");
    ui.group = choice("view", on.group);
    ui.example = choice("example", on.example);
    ui.layer = choice("layer", on.layer, on.stepLayer);
    ui.head = choice("head", on.head, on.stepHead);
    ui.merged = el("input", { type: "checkbox", change: () => on.merge() });
    ui.merge = say(el("label", { class: "merge" }, ui.merged, say(el("span"), "merge")), "merge.hint", "title");
    const choices = [ui.group, ui.example, ui.layer, ui.head].map(({ box }) => box);
    return el("div", { class: "bar" }, ui.tabs, ...choices, ui.merge);
  };

  const strips = () => {
    ui.strips = { query: strip("query"), key: strip("key") };
    ui.aside = el("p", { class: "aside" });
    return el("div", { class: "strips" }, ui.strips.query.box, ui.strips.key.box, ui.aside);
  };

  // What the colours stand for: below the words of a relevance, below the heat map otherwise.
  const shades = () => {
    ui.share = el("span");
    ui.low = el("span");
    ui.bar = canvasOf(120, 9);
    ui.high = el("span");
    const scale = (name) => button(`scale.${name}`, () => on.scale(name), `scale.${name}.hint`);
    ui.scales = Object.fromEntries(["map", "clip", "row", "root", "span"].map((name) => [name, scale(name)]));
    const legend = el("span", { class: "legend" }, ui.share, ui.low, ui.bar, ui.high);
    ui.shades = el("div", { class: "under" }, legend, say(pair(...Object.values(ui.scales)), "scale", "aria-label"));
  };

  const flow = () => {
    const { hover, leave, click, step, choose, save } = on.flow;
    const canvas = el("canvas", {
      class: "flow", tabindex: "0", role: "application", pointermove: hover, pointerleave: leave, click,
    });
    const input = choice("flow.input", (value) => choose(Number(value)), step);
    const says = el("p", { class: "ways", "aria-live": "polite" }), note = el("p", { class: "about untraced" });
    const stage = el("div", { class: "stage" }, canvas);
    const hint = about(), caption = el("figcaption", {}, say(el("h3"), "flow"), hint);
    const under = el("div", { class: "under" }, input.box, pair(button("flow.png", save, "flow.png.hint")));
    const figure = el("figure", { class: "diagram", hidden: "" }, caption, says, note, stage, under);
    ui.flow = { figure, canvas, hint, input, says, note, stage, under };
    return figure;
  };

  const picture = () => {
    const drawn = () => el("canvas", {
      class: "picture", role: "img", pointermove: on.picture.hover, pointerleave: on.leave, click: on.picture.click,
    });
    const canvas = drawn(), other = drawn(), stage = el("div", { class: "stage" }, canvas, other);
    const title = el("h3"), hint = about(), grid = el("input", { type: "checkbox", change: on.picture.grid });
    const lines = say(el("label", { class: "merge" }, grid, say(el("span"), "grid")), "grid.hint", "title");
    const figure = el("figure", { class: "onpicture", hidden: "" }, el("figcaption", {}, title, hint), stage, lines);
    ui.picture = { figure, canvas, other, stage, title, hint, grid, lines };
    return figure;
  };

  const top = () => {
    ui.rows = el("tbody");
    const head = ["top.place", "top.word", "top.value", "top.share"].map((key) => say(el("th", { scope: "col" }), key));
    const table = el("table", {}, el("thead", {}, el("tr", {}, ...head)), ui.rows);
    ui.top = el("figure", { class: "top", hidden: "" }, el("figcaption", {}, say(el("h3"), "top")), table);
    return ui.top;
  };

  const heat = () => {
    ui.axes = about();
    ui.heat = el("canvas", {
      class: "heat", tabindex: "0", role: "application",
      pointermove: on.point, pointerleave: on.leave, pointerdown: on.grab, pointerup: on.drop, pointercancel: on.drop,
    });
    ui.heat.addEventListener("wheel", on.wheel, { passive: false });
    ui.stage = el("div", { class: "stage" }, ui.heat);
    ui.copy = button("copy", on.copy, "copy.hint");
    const [out, fitted, into] = [1 / 1.6, 0, 1.6].map((by) => () => on.zoom(by));
    const zoom = [glyph("−", out, "zoom.out"), button("zoom.fit", fitted), glyph("+", into, "zoom.in")];
    const take = pair(button("png", on.save, "png.hint"), ui.copy);
    ui.under = el("div", { class: "under" }, pair(...zoom), take);
    return el("figure", { class: "main" }, el("figcaption", {}, say(el("h3"), "map"), ui.axes), ui.stage, ui.under);
  };

  const overview = () => {
    ui.small = el("canvas", { role: "img", pointermove: on.hoverSmall, pointerleave: on.leave, click: on.pickSmall });
    ui.field = el("div", { class: "field" }, ui.small);
    const caption = el("figcaption", {}, say(el("h3"), "overview"), about("overview.hint"));
    ui.overview = el("figure", { class: "overview" }, caption, ui.field);
    return ui.overview;
  };

  ui.error = el("p", { class: "error", role: "alert", hidden: "" });
  ui.notice = el("div", { class: "notice", role: "note", hidden: "" });
  ui.says = el("p", { class: "says", "aria-live": "polite" });
  ui.facts = el("p", { class: "facts", hidden: "" });
  ui.foot = el("footer");
  ui.tip = el("div", { class: "tip", hidden: "" });
  shades();
  ui.maps = el("div", { class: "maps" }, picture(), flow(), top(), heat(), overview());
  const root = el("div", { class: "root", tabindex: "-1", role: "group", keydown: on.key },
    header(), help(), controls(), ui.error, ui.notice, ui.facts, ui.says, strips(), ui.shades,
    ui.maps, ui.foot, ui.tip);
  return { root, ui, said };
}
