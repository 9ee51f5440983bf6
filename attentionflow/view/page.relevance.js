// What a relevance says in words: what must be known before it is looked at, how sure it is, its strongest inputs.
// say: the page's {t(key, values), methodName(group), choose(index of a group)}.

const MANY = 0.5; // a larger share of saturated flows is worth a warning
const STRONGEST = 8;
const DEEP = ["rollout", "gradient", "agf"]; // methods on which every layer tells

const isSaturated = ({ saturation }) => saturation > MANY;
const percent = (share) => `${(100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0)}%`;
const isTiny = (value) => value !== 0 && Math.abs(value) < 1e-3;
const exact = (value) => (isTiny(value) ? value.toPrecision(2) : value.toFixed(4)).replace("-", "−");

// Its notes; and where nothing but the first layer tells, that, with a way to the other relevances of the page.
function noticeOf(group, groups, { t, methodName, choose }) {
  const notes = group.notes.map((note) => el("p", { dir: "auto" }, note));
  if (!isSaturated(group)) return notes;
  const deep = DEEP.filter((method) => method !== group.method).map((method) => methodName({ method }));
  const values = { share: percent(group.saturation), others: deep.join(t("comma")) };
  const here = groups.flatMap((other, i) => (other.role === "relevance" && !isSaturated(other) ? [i] : []));
  const name = (i) => t("show", { method: methodName(groups[i]) });
  const to = (i) => el("button", { type: "button", click: () => choose(i) }, name(i));
  return [el("p", { class: "warning" }, t("saturated", values)), ...here.map(to), ...notes];
}

function figuresOf({ verdict, gap, certified, saturation }, { t }) {
  const badge = () => el("span", { class: "badge", "data-verdict": verdict }, t(`verdict.${verdict}`));
  const told = [
    gap !== null && t(gap > 0 ? "exact" : "exact.closed", { gap: `1e${Math.ceil(Math.log10(gap))}` }),
    certified !== null && t("certified", { share: percent(certified) }),
    saturation !== null && t("saturation", { share: percent(saturation) }),
  ];
  return [...(verdict ? [badge()] : []), told.filter(Boolean).join(" · ")];
}

// line: the values of the chosen target; columns: the units of the input.
function topRows(line, columns) {
  const size = (k) => Math.abs(line[k]), order = [...line.keys()].sort((a, b) => size(b) - size(a)).slice(0, STRONGEST);
  const most = size(order[0]) || 1, cell = (...content) => el("td", {}, ...content);
  return order.map((k) => {
    const share = size(k) / most, bar = el("i", { style: `--share: ${share}` }), word = el("bdi", {}, columns[k].text);
    return el("tr", {}, cell(String(k + 1)), cell(word), cell(exact(line[k])), cell(bar, percent(share)));
  });
}
