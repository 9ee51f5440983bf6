// Attention over a picture: where an axis lies on one, its positions are boxes {left, top, right, bottom}, as shares of the
// picture. What the chosen row or column does not look at is veiled; outlines are what was found.

const VEIL = 0.78; // how dark a place without weight becomes
const TALLEST = 520; // pixels

// The position, of those whose box holds the point, with the smallest box; -1 where there is none.
function boxAt(boxes, x, y) {
  const area = ([left, top, right, bottom]) => (right - left) * (bottom - top);
  const holds = (box) => box && x >= box[0] && x < box[2] && y >= box[1] && y < box[3];
  return boxes.reduce((best, box, i) => (holds(box) && (best < 0 || area(box) < area(boxes[best])) ? i : best), -1);
}

// Sizes in CSS pixels: as wide as there is room, not taller than TALLEST, and not blown up beyond twice its size.
function sizeOnPage(image, width) {
  const scale = Math.min(width / image.naturalWidth, TALLEST / image.naturalHeight, 2);
  return [Math.floor(image.naturalWidth * scale), Math.floor(image.naturalHeight * scale)];
}

// shares: from 0 to 1 for each of `cells`. lines: boxes of the grid. outlines: [{box, text, strong}], the strong ones last.
function drawOnPicture(ctx, { image, width, height, cells, shares, lines, outlines, ink }) {
  ctx.drawImage(image, 0, 0, width, height);
  cells.forEach((box, i) => {
    if (!box) return;
    // Edges are rounded alike from both sides, so that neighbours neither overlap nor leave a gap.
    const [left, top, right, bottom] = box.map((share, n) => Math.round(share * (n % 2 ? height : width)));
    ctx.fillStyle = `rgb(8 11 18 / ${VEIL * (1 - Math.min(1, Math.max(0, shares[i])))})`;
    ctx.fillRect(left, top, right - left, bottom - top);
  });
  Object.assign(ctx, { strokeStyle: "#7f8ea8", lineWidth: 1 });
  for (const [left, top, right, bottom] of lines.filter(Boolean)) {
    const [x, y] = [Math.round(left * width), Math.round(top * height)]; // half a pixel further: a line one pixel thin
    ctx.strokeRect(x + 0.5, y + 0.5, Math.round(right * width) - x, Math.round(bottom * height) - y);
  }
  const ordered = [...outlines].sort((a, b) => a.strong - b.strong);
  for (const { box: [left, top, right, bottom], text, strong } of ordered) {
    const [x, y, w, h] = [left * width, top * height, (right - left) * width, (bottom - top) * height];
    for (const [style, line] of [["#0b0f17", strong ? 4 : 2], [strong ? "#ffb454" : "#ffffffb0", strong ? 2 : 1]]) {
      Object.assign(ctx, { strokeStyle: style, lineWidth: line });
      ctx.strokeRect(x, y, w, h);
    }
    if (strong && text) drawName(ctx, text, x, y, width, ink);
  }
}

// Above the box where there is room, otherwise inside of it.
function drawName(ctx, text, x, y, width, ink) {
  Object.assign(ctx, { font: `600 12px ${ink.font}`, textBaseline: "middle", textAlign: "left" });
  const wide = ctx.measureText(text).width + 10, left = Math.max(0, Math.min(x - 1, width - wide));
  const top = y >= 19 ? y - 18 : y + 1;
  ctx.fillStyle = "#ffb454";
  ctx.fillRect(left, top, wide, 17);
  ctx.fillStyle = "#14181f";
  ctx.fillText(text, left + 5, top + 9);
}
