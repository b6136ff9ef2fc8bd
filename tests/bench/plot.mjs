// Plots as SVG, written by hand: bars side by side, and curves. They take the reader's light or dark background.

const COLOURS = { switchhook: "#1b7f79", rtpengine: "#b8642b" };
const INK = "#7a7a7a";
const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [760, 320, 56, 56, 44];

function text(x, y, words, { anchor = "middle", size = 12 } = {}) {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" font-size="${size}" fill="${INK}">${words}</text>`;
}

function frame(title, unit, highest, ticks, parts) {
  const y = (value) => HEIGHT - BOTTOM - (value / highest) * (HEIGHT - BOTTOM - TOP);
  const grid = ticks.map((tick) => `<line x1="${LEFT}" x2="${WIDTH - 16}" y1="${y(tick)}" y2="${y(tick)}" stroke="${INK}" stroke-opacity="0.25"/>${text(LEFT - 8, y(tick) + 4, String(tick), { anchor: "end" })}`);
  const legend = Object.entries(COLOURS).map(([name, colour], n) => `<rect x="${WIDTH - 230 + n * 110}" y="12" width="12" height="12" fill="${colour}"/>${text(WIDTH - 212 + n * 110, 23, name, { anchor: "start" })}`);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" role="img" aria-label="${title}">`,
    text(LEFT, 23, `${title} (${unit})`, { anchor: "start", size: 14 }),
    ...legend,
    ...grid,
    ...parts(y),
    "</svg>",
    "",
  ].join("\n");
}

/** Round steps up to a little above `most`. */
function scale(most) {
  const step = [1, 2, 5].flatMap((n) => [n, 10 * n, 100 * n, 1_000 * n]).sort((a, b) => a - b).find((n) => most / n <= 6) ?? most;
  const count = Math.ceil((most * 1.08) / step);
  return { highest: count * step, ticks: Array.from({ length: count + 1 }, (_, n) => n * step) };
}

/** `groups`: a label, and a value for each server. */
export function bars(title, unit, groups) {
  const { highest, ticks } = scale(Math.max(...groups.flatMap(({ values }) => Object.values(values))));
  const wide = (WIDTH - LEFT - 16) / groups.length;
  return frame(title, unit, highest, ticks, (y) =>
    groups.flatMap(({ label, values }, n) => {
      const middle = LEFT + wide * (n + 0.5);
      const drawn = Object.keys(COLOURS).flatMap((server, k) => {
        if (values[server] === undefined) return [];
        const [x, top] = [middle + (k - 1) * 36, y(values[server])];
        return [
          `<rect x="${x.toFixed(1)}" y="${top.toFixed(1)}" width="34" height="${(HEIGHT - BOTTOM - top).toFixed(1)}" fill="${COLOURS[server]}"/>`,
          text(x + 17, top - 5, values[server] < 10 ? values[server].toFixed(1) : String(Math.round(values[server])), { size: 11 }),
        ];
      });
      return [...drawn, text(middle, HEIGHT - BOTTOM + 20, label)];
    }),
  );
}

/** `curves`: a server, whether it is dashed, and points [x, y]; x in steps that are labelled. */
export function curves(title, unit, labels, lowest, highest, series) {
  const x = (at) => LEFT + 30 + ((WIDTH - LEFT - 80) * at) / (labels.length - 1);
  const ticks = Array.from({ length: Math.round((highest - lowest) / 0.5) + 1 }, (_, n) => lowest + n * 0.5);
  return frame(title, unit, highest - lowest, ticks.map((tick) => tick - lowest), (y) => [
    ...series.map(({ server, dashed, points }) => {
      const path = points.map(([at, value]) => `${x(at).toFixed(1)},${y(Math.max(0, value - lowest)).toFixed(1)}`).join(" ");
      return `<polyline points="${path}" fill="none" stroke="${COLOURS[server]}" stroke-width="2.5"${dashed ? ' stroke-dasharray="6 5"' : ""}/>`;
    }),
    ...labels.map((label, at) => text(x(at), HEIGHT - BOTTOM + 20, label)),
  ]).replaceAll(/text-anchor="end" font-size="12" fill="#7a7a7a">([\d.]+)</g, (_, tick) => `text-anchor="end" font-size="12" fill="${INK}">${(Number(tick) + lowest).toFixed(1)}<`);
}
