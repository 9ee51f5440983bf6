// Attention over a strip of time, such as a spectrogram: the strip itself, under it a line of cells in the colours of the
// weights, and under that the seconds. Positions are boxes as on a picture, as tall as the strip.

const STRIP = { picture: 120, cells: 22, gap: 4, ticks: 20, wide: 90 }; // pixels; wide: least between two ticks

const stripHeight = () => STRIP.picture + STRIP.gap + STRIP.cells + STRIP.ticks;

// Round steps of seconds, so that there is a tick about every `wide` pixels.
function tickStep(seconds, width) {
  const least = (seconds * STRIP.wide) / width, unit = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((n) => n * unit).find((step) => step >= least * 0.999);
}

// fills: the colour of each of `cells`, null for none. chosen: the box that is framed, or null.
function drawStrip(ctx, { image, width, seconds, cells, fills, chosen, ink, dark }) {
  ctx.clearRect(0, 0, width, stripHeight());
  ctx.filter = dark ? "invert(1)" : "none"; // loud is dark on paper, and light on black
  ctx.drawImage(image, 0, 0, width, STRIP.picture);
  ctx.filter = "none";
  const top = STRIP.picture + STRIP.gap;
  cells.forEach((box, i) => {
    if (!box || !fills[i]) return;
    const left = Math.round(box[0] * width), right = Math.round(box[2] * width);
    ctx.fillStyle = fills[i];
    ctx.fillRect(left, top, Math.max(1, right - left), STRIP.cells);
  });
  if (chosen) {
    const left = chosen[0] * width, wide = Math.max(2, (chosen[2] - chosen[0]) * width);
    Object.assign(ctx, { strokeStyle: ink.cross, lineWidth: 2 });
    ctx.strokeRect(left, 1, wide, top + STRIP.cells - 1);
  }
  const step = tickStep(seconds, width), digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  Object.assign(ctx, { fillStyle: ink.muted, font: `11px ${ink.font}`, textBaseline: "bottom" });
  for (let n = 0; n * step < seconds; n += 1) {
    const x = ((n * step) / seconds) * width, text = `${(n * step).toFixed(digits)} s`;
    ctx.fillRect(x, top + STRIP.cells + 2, 1, 4);
    ctx.textAlign = n ? "center" : "left";
    if (x + 20 < width) ctx.fillText(text, x, stripHeight());
  }
}
