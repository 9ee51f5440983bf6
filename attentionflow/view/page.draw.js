// Weights and drawing, without the page: unpacks sites, averages and merges them, paints heat maps on a canvas.
// Letters: H heads, Q queries, K keys. A map is {Q, K, values (Q * K), rowMax, rowMin (Q), max, min, clip}.

// ---- weights ------------------------------------------------------------------------------------------------------

async function inflate(data) {
  const packed = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"))).arrayBuffer();
}

async function unpack(site, bits) {
  const buffer = await inflate(site.data);
  const [H, Q, K] = site.shape;
  const Codes = bits === 16 ? Uint16Array : Uint8Array;
  return {
    H, Q, K,
    low: new Float32Array(buffer, 0, H * Q),
    step: new Float32Array(buffer, 4 * H * Q, H * Q),
    codes: new Codes(buffer, 8 * H * Q),
  };
}

function addHead(out, { Q, K, low, step, codes }, head, share) {
  for (let q = 0; q < Q; q++) {
    const row = head * Q + q, lo = low[row] * share, st = step[row] * share;
    for (let k = 0, to = q * K, from = row * K; k < K; k++, from++) out[to++] += lo + st * codes[from] * codes[from];
  }
}

// The mean over sites, and over their heads where head is "mean". Every site must be unpacked.
function meanOf(sites, head) {
  const { Q, K } = sites[0].weights;
  const out = new Float32Array(Q * K);
  for (const { weights, heads } of sites) {
    const chosen = head === "mean" ? [...Array(weights.H).keys()] : [heads.indexOf(head)];
    for (const h of chosen) addHead(out, weights, h, 1 / (sites.length * chosen.length));
  }
  return out;
}

// What the rows or columns stand for: positions, or with merging the words that they make up.
// at: the n rows or columns of the recorded matrix; bare: belongs to no word; joins: continues the word before it.
function unitsOf(axis, rows, merged) {
  const positions = rows ?? axis.labels.map((_, i) => i);
  const where = new Map(positions.map((position, i) => [position, i]));
  const bare = new Set(axis.bare);
  const unit = (label, members, joins = false) =>
    ({ label, at: members.map((p) => where.get(p)), n: members.length, bare: bare.has(members[0]), joins });
  if (!axis.units) return positions.map((p) => unit(axis.labels[p], [p]));
  const kept = ([label, members]) => [label, members.filter((p) => where.has(p))];
  const words = axis.units.map(kept).filter(([, members]) => members.length);
  if (merged) return words.map(([label, members]) => unit(label, members));
  const inner = new Set(words.flatMap(([, members]) => members.filter((p, i) => i && p === members[i - 1] + 1)));
  return positions.map((p) => unit(axis.labels[p], [p], inner.has(p)));
}

// Summed over the columns of a unit, averaged over its rows; then what painting needs to know.
function mapOf(values, K0, rows, columns) {
  const Q = rows.length, K = columns.length, out = new Float32Array(Q * K);
  const column = new Int32Array(K0);
  columns.forEach(({ at }, k) => at.forEach((c) => { column[c] = k; }));
  rows.forEach(({ at }, q) => {
    for (const row of at) for (let c = 0; c < K0; c++) out[q * K + column[c]] += values[row * K0 + c] / at.length;
  });
  const rowMax = new Float32Array(Q), rowMin = new Float32Array(Q).fill(Infinity);
  let max = 0, min = 0;
  for (let i = 0; i < out.length; i++) {
    const v = out[i], q = (i / K) | 0, size = Math.abs(v);
    if (size > rowMax[q]) rowMax[q] = size;
    if (v < rowMin[q]) rowMin[q] = v;
    if (v > max) max = v;
    if (v < min) min = v;
  }
  return { Q, K, values: out, rowMax, rowMin, max, min, clip: clipOf(out, Math.max(max, -min)) };
}

// Where a few weights of a large map dwarf the others, the largest but for one in two hundred; else the largest.
function clipOf(values, largest) {
  if (values.length < 4096) return largest;
  const step = Math.floor(values.length / 20000) | 1; // odd, so that it walks through all columns
  const length = Math.floor(values.length / step);
  const sample = Float32Array.from({ length }, (_, i) => Math.abs(values[i * step])).sort();
  const high = sample[Math.floor(sample.length * 0.995)];
  return high > 0 && high < largest / 3 ? high : largest;
}

const largest = (map) => Math.max(map.max, -map.min);

// From -1 to 1: the weight against the largest of the map ("map"), of its row ("row"), or the clipped one ("clip");
// and where a row's differences would not show, by the root of its share ("root") or from the row's least on ("span").
function shade(map, q, k, scale) {
  const value = map.values[q * map.K + k], most = map.rowMax[q], least = Math.max(0, map.rowMin[q]);
  if (scale === "span" && most > least) return (value - least) / (most - least);
  const whole = { clip: map.clip, map: largest(map) }[scale] ?? most, share = whole > 0 ? value / whole : 0;
  return scale === "root" ? Math.sign(share) * Math.sqrt(Math.abs(share)) : share;
}

// The row scale on which the differences of most rows show.
function shareScale({ Q, K, values, rowMax, rowMin }) {
  const middle = (numbers) => numbers.sort()[numbers.length >> 1];
  const rows = [...Array(Q).keys()].filter((q) => rowMax[q] > 0);
  if (middle(Float32Array.from(rows, (q) => rowMin[q] / rowMax[q])) > 0.5) return "span";
  const usual = (q) => middle(values.slice(q * K, q * K + K).map(Math.abs)) / rowMax[q];
  return middle(Float32Array.from(rows, usual)) < 0.08 ? "root" : "row";
}

// ---- colour -------------------------------------------------------------------------------------------------------

// Ramps in OKLCH, even in lightness: [lightness, chroma, hue] at zero and at the maximum. Weights are blue, and only
// where a gate gives negative ones are those russet: a pair that the colour-blind tell apart.
const RAMPS = {
  light: { zero: [0.978, 0.005, 255], more: [0.36, 0.135, 262], less: [0.45, 0.13, 45], paper: [0.992, 0.002, 255] },
  dark: { zero: [0.225, 0.014, 262], more: [0.9, 0.09, 225], less: [0.86, 0.1, 60], paper: [0.185, 0.012, 262] },
};

function rgb([L, C, hue]) {
  const a = C * Math.cos((hue * Math.PI) / 180), b = C * Math.sin((hue * Math.PI) / 180);
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((x) => Math.round(255 * Math.min(1, Math.max(0, x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055))));
}

// 511 colours: 255 is zero. Chroma rises a little ahead of the ends, so that the middle does not go grey.
function rampOf(theme) {
  const { zero, more, less } = RAMPS[theme];
  return Array.from({ length: 511 }, (_, i) => {
    const end = i < 255 ? less : more, t = Math.abs(i - 255) / 255;
    const chroma = zero[1] + (end[1] - zero[1]) * t + 0.12 * t * (1 - t);
    return rgb([zero[0] + (end[0] - zero[0]) * t, chroma, end[2] + (theme === "light" ? -24 : 40) * (1 - t)]);
  });
}

const colour = (ramp, value) => ramp[255 + Math.round(255 * Math.min(1, Math.max(-1, value)))];
const css = ([r, g, b]) => `rgb(${r} ${g} ${b})`;
const isDeep = ([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b < 140;

// ---- pictures -----------------------------------------------------------------------------------------------------

function canvasOf(width, height) {
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  return canvas;
}

// One pixel a cell.
function pictureOf(map, ramp, scale) {
  const canvas = canvasOf(map.K, map.Q), ctx = canvas.getContext("2d");
  const image = ctx.createImageData(map.K, map.Q);
  for (let q = 0, i = 0; q < map.Q; q++) {
    for (let k = 0; k < map.K; k++, i += 4) {
      image.data.set(colour(ramp, shade(map, q, k, scale)), i);
      image.data[i + 3] = 255;
    }
  }
  ctx.putImageData(image, 0, 0);
  return canvas;
}

// At most side x side cells, each the largest of those it covers, so that thin diagonals survive.
function pooled(map, side) {
  const Q = Math.min(side, map.Q), K = Math.min(side, map.K), values = new Float32Array(Q * K);
  for (let q = 0, i = 0; q < map.Q; q++) {
    const row = ((q * Q / map.Q) | 0) * K;
    for (let k = 0; k < map.K; k++, i++) {
      const at = row + ((k * K / map.K) | 0);
      if (Math.abs(map.values[i]) > Math.abs(values[at])) values[at] = map.values[i];
    }
  }
  return { ...map, Q, K, values };
}

// ---- heat map -----------------------------------------------------------------------------------------------------

const PITCH = { row: 15, column: 19 }; // pixels that a label needs
const STEPS = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000];
const WIDEST = 120; // of a label; longer ones are cut
const CELL = 56; // the largest side of a cell

function fit(ctx, text, width) {
  if (ctx.measureText(text).width <= width) return text;
  let n = Math.min(text.length, 60);
  while (n > 1 && ctx.measureText(`${text.slice(0, n)}…`).width > width) n--;
  return `${text.slice(0, n)}…`;
}

// Where labels repeat, thinned ones are drawn with their position.
const isRepeating = (units) => units.some((unit) => unit.place);

// Sizes in CSS pixels. Cells are square unless one side would become too thin to see.
function layoutOf(ctx, map, rows, columns, width, tallest) {
  const widest = (units) => {
    const numbered = units.length > 40 && isRepeating(units);
    const place = numbered ? ctx.measureText(`${units.length} `).width : 0;
    return units.reduce((w, u) => Math.max(w, Math.min(WIDEST, ctx.measureText(u.text).width + place)), 12);
  };
  const left = Math.ceil(widest(rows)) + 14, needed = widest(columns);
  let right = 8, top, rotated = false;
  const wide = () => Math.min(CELL, (width - left - right) / map.K);
  if (needed + 8 > wide()) {
    rotated = true;
    right = Math.ceil(needed * 0.5);
    top = Math.ceil(needed * 0.77) + 18;
  } else top = 28;
  let cw = wide(), ch = Math.min(CELL, tallest / map.Q);
  const side = Math.max(14, Math.min(cw, ch));
  [cw, ch] = [Math.min(cw, side), Math.min(ch, side)].map((size) => (size >= 1 ? Math.floor(size) : size));
  return { left, top, right, rotated, width: cw * map.K, height: ch * map.Q };
}

// The part of the map in view, in cells: zoom 1 is all of it.
function windowOf(map, layout, { zoom, x, y }) {
  const w = Math.max(map.K / zoom, Math.min(map.K, layout.width / CELL));
  const h = Math.max(map.Q / zoom, Math.min(map.Q, layout.height / CELL));
  return { w, h, x: Math.max(0, Math.min(map.K - w, x)), y: Math.max(0, Math.min(map.Q - h, y)) };
}

// marks: {axis, query, key} chosen, {cross} pointed at. Draws at the origin of ctx, in CSS pixels.
function drawHeat(ctx, { map, picture, layout, rows, columns, seen, marks, ink }) {
  const { left, top, width, height } = layout, cw = width / seen.w, ch = height / seen.h;
  const x = (k) => left + (k - seen.x) * cw, y = (q) => top + (q - seen.y) * ch;
  ctx.imageSmoothingEnabled = cw < 1 || ch < 1;
  ctx.imageSmoothingQuality = "high";
  ctx.drawImage(picture, seen.x, seen.y, seen.w, seen.h, left, top, width, height);
  if (Math.min(cw, ch) >= 9) drawGrid(ctx, layout, seen, x, y, ink);
  drawMarks(ctx, layout, marks, x, y, cw, ch, ink);
  const chosen = [marks.axis === "query" ? marks.query : -1, marks.cross?.q ?? -1];
  const picked = [marks.axis === "key" ? marks.key : -1, marks.cross?.k ?? -1];
  drawLabels(ctx, rows, seen.y, seen.h, ch, PITCH.row, chosen, ink, (text, q) => {
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    ctx.fillText(fit(ctx, text, layout.left - 10), left - 9, y(q + 0.5) + 0.5);
  });
  drawLabels(ctx, columns, seen.x, seen.w, cw, PITCH.column, picked, ink, (text, k) => {
    ctx.save();
    ctx.translate(x(k + 0.5), top - 9);
    if (layout.rotated) ctx.rotate(-0.88);
    ctx.textAlign = layout.rotated ? "left" : "center";
    ctx.textBaseline = layout.rotated ? "middle" : "alphabetic";
    ctx.fillText(fit(ctx, text, layout.rotated ? (layout.top - 18) / 0.77 : cw), 0, 0);
    ctx.restore();
  });
}

function drawGrid(ctx, { left, top, width, height }, seen, x, y, ink) {
  ctx.fillStyle = ink.paper;
  for (let k = Math.ceil(seen.x); k <= seen.x + seen.w; k++) ctx.fillRect(Math.round(x(k)) - 0.5, top, 1, height);
  for (let q = Math.ceil(seen.y); q <= seen.y + seen.h; q++) ctx.fillRect(left, Math.round(y(q)) - 0.5, width, 1);
}

function drawMarks(ctx, layout, marks, x, y, cw, ch, ink) {
  const { left, top, width, height } = layout;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left - 9, top - 9, width + 18, height + 18);
  ctx.clip();
  ctx.strokeStyle = ctx.fillStyle = ink.accent;
  ctx.lineWidth = marks.pinned ? 2.5 : 1.5;
  if (marks.axis === "query" && ch >= 5) ctx.strokeRect(left, y(marks.query), width, ch);
  else if (marks.axis === "query") {
    drawArrow(ctx, left, y(marks.query + 0.5), -1, 0);
    drawArrow(ctx, left + width, y(marks.query + 0.5), 1, 0);
  } else if (marks.axis === "key" && cw >= 5) ctx.strokeRect(x(marks.key), top, cw, height);
  else if (marks.axis === "key") {
    drawArrow(ctx, x(marks.key + 0.5), top, 0, -1);
    drawArrow(ctx, x(marks.key + 0.5), top + height, 0, 1);
  }
  ctx.beginPath();
  ctx.rect(left - 1, top - 1, width + 2, height + 2);
  ctx.clip();
  if (marks.cross) drawCross(ctx, layout, marks.cross, x, y, cw, ch, ink);
  ctx.restore();
}

// Points from outside at a row or column too thin to be framed.
function drawArrow(ctx, x, y, dx, dy) {
  ctx.beginPath();
  ctx.moveTo(x + dx, y + dy);
  ctx.lineTo(x + 7 * dx + 4 * dy, y + 7 * dy + 4 * dx);
  ctx.lineTo(x + 7 * dx - 4 * dy, y + 7 * dy - 4 * dx);
  ctx.fill();
}

function drawCross(ctx, { left, top }, { q, k }, x, y, cw, ch, ink) {
  ctx.fillStyle = ink.cross;
  ctx.fillRect(left, y(q + 0.5) - 0.5, x(k) - left, 1);
  ctx.fillRect(x(k + 0.5) - 0.5, top, 1, y(q) - top);
  ctx.strokeStyle = ink.text;
  ctx.lineWidth = 1.5;
  ctx.strokeRect(x(k) - (cw < 4), y(q) - (ch < 4), Math.max(cw, 4), Math.max(ch, 4));
}

// Only as many labels as have room; those in `kept` push others away.
function drawLabels(ctx, units, from, count, size, pitch, kept, ink, draw) {
  const numbered = isRepeating(units), every = STEPS.find((step) => step * size >= pitch) ?? 2000;
  const inside = (i) => i >= 0 && i + 0.5 >= from && i + 0.5 <= from + count;
  const strong = [...new Set(kept)].filter(inside);
  const near = (i) => strong.some((s) => Math.abs(s - i) * size < pitch);
  const text = (i) => (every > 1 && numbered ? `${i + 1} ${units[i].text}` : units[i].text);
  for (let i = Math.ceil(from / every) * every; i < Math.min(units.length, from + count); i += every) {
    if (!inside(i) || (every > 1 ? near(i) : strong.includes(i))) continue;
    ctx.fillStyle = units[i].bare ? ink.muted : ink.label;
    draw(text(i), i);
  }
  ctx.fillStyle = ink.text;
  strong.forEach((i) => draw(text(i), i));
}

// From the most negative to the largest, or from 0.
function drawLegend(ctx, x, y, width, height, ramp, map) {
  const end = largest(map), from = end > 0 ? map.min / end : 0, to = end > 0 ? map.max / end : 1;
  for (let i = 0; i < width; i++) {
    ctx.fillStyle = css(colour(ramp, from + ((to - from) * i) / Math.max(1, width - 1)));
    ctx.fillRect(x + i, y, 1, height);
  }
}

// A heat map to take away: nothing marked, with a title and its legend {ends, ramp, low, high}.
function drawFigure(ctx, [width, height], parts, title, { ends, ramp, low, high }) {
  const { layout, ink } = parts, y = height - 34;
  ctx.fillStyle = ink.paper;
  ctx.fillRect(0, 0, width, height);
  ctx.fillStyle = ink.text;
  ctx.fillText(fit(ctx, title, width - 32), 16, 26);
  ctx.save();
  ctx.translate(16, 40);
  drawHeat(ctx, { ...parts, marks: {} });
  ctx.restore();
  const left = 16 + layout.left + Math.ceil(ctx.measureText(low).width) + 8;
  drawLegend(ctx, left, y, 140, 9, ramp, ends);
  Object.assign(ctx, { fillStyle: ink.label, textAlign: "right", textBaseline: "middle" });
  ctx.fillText(low, left - 7, y + 5);
  ctx.textAlign = "left";
  ctx.fillText(high, left + 147, y + 5);
}

// ---- overview -----------------------------------------------------------------------------------------------------

// Layers down, heads across. thumbOf(layer, head): a picture, null while it is awaited, undefined where there is none.
function drawOverview(ctx, { layers, heads, left, top, pitch, size }, names, chosen, thumbOf, empty, ink) {
  const label = (text, x, y, align, strong) => {
    Object.assign(ctx, { fillStyle: strong ? ink.text : ink.muted, textAlign: align, textBaseline: "middle" });
    ctx.fillText(text, x, y);
  };
  heads.forEach((head, i) => label(names.head(head), left + i * pitch + size / 2, 8, "center", head === chosen.head));
  layers.forEach((layer, row) => {
    const y = top + row * pitch;
    label(names.layer(layer), left - 8, y + size / 2, "right", layer === chosen.layer);
    heads.forEach((head, column) => {
      const x = left + column * pitch, thumb = thumbOf(layer, head);
      if (thumb === undefined) return;
      ctx.fillStyle = empty;
      ctx.fillRect(x, y, size, size);
      ctx.imageSmoothingEnabled = thumb?.height > size;
      if (thumb) ctx.drawImage(thumb, x, y, size, size);
      if (layer !== chosen.layer || head !== chosen.head) return;
      Object.assign(ctx, { strokeStyle: ink.accent, lineWidth: 2 });
      ctx.strokeRect(x - 1, y - 1, size + 2, size + 2);
    });
  });
}
