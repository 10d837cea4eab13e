/** The page's style sheet, for light and dark screens and for paper. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: #f6f7fa; --panel: #ffffff; --ink: #171c28; --soft: #5b6577; --faint: #8a93a5; --line: #e1e5ec; --code: #f1f3f8;
  --hub: #2f5fd8; --hub-tint: #e9effd; --link: #b8600b; --link-tint: #fdf0e0; --satellite: #0b7f6b; --satellite-tint: #e0f5f0;
  --secret: #b3243f; --secret-tint: #fde8ec; --shadow: 0 1px 2px rgb(20 28 48 / .06), 0 4px 14px rgb(20 28 48 / .05);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #10141c; --panel: #181d28; --ink: #e6eaf2; --soft: #a2acbf; --faint: #737e93; --line: #2a3140; --code: #212836;
    --hub: #83a7ff; --hub-tint: #1d2a4a; --link: #f0ab5c; --link-tint: #3a2a16; --satellite: #4fcdb4; --satellite-tint: #12352f;
    --secret: #ff8fa3; --secret-tint: #451c26; --shadow: none;
  }
}
* { box-sizing: border-box }
html { scroll-behavior: smooth; scroll-padding-top: 1.25rem }
body { margin: 0; display: grid; grid-template-columns: 17rem minmax(0, 1fr); font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; color: var(--ink); background: var(--page) }
a { color: inherit; text-decoration: none }
code, .mono { font-family: ui-monospace, "SF Mono", Menlo, Consolas, monospace; font-size: .87em }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 1.25rem 1rem 2rem; border-right: 1px solid var(--line); background: var(--panel) }
nav h1 { font-size: 1.05rem; margin: 0 0 .8rem; letter-spacing: -.01em }
nav h1 a { display: block; padding: 0; font-size: inherit; color: var(--ink) } nav h1 a::before, .counts li:not([class])::before { content: none }
nav h2 { font-size: .72rem; font-weight: 600; letter-spacing: .07em; text-transform: uppercase; color: var(--faint); margin: 1.3rem .5rem .3rem }
nav input { width: 100%; padding: .5rem .7rem; border: 1px solid var(--line); border-radius: 8px; font: inherit; font-size: .9rem; color: inherit; background: var(--page) }
nav input:focus-visible { outline: 2px solid var(--hub); outline-offset: -1px }
nav a { display: flex; align-items: center; gap: .5rem; padding: .16rem .5rem; border-radius: 6px; font-size: .86rem; color: var(--soft); overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
nav a:hover { background: var(--code); color: var(--ink) }
nav a::before { content: ""; flex: none; width: 8px; height: 8px; border-radius: 2px; background: var(--kind) }
.hub { --kind: var(--hub); --tint: var(--hub-tint) } .link { --kind: var(--link); --tint: var(--link-tint) } .satellite { --kind: var(--satellite); --tint: var(--satellite-tint) }
main { padding: 2rem clamp(1rem, 3vw, 3rem) 6rem; max-width: 92rem }
header.top h1 { font-size: 1.9rem; line-height: 1.2; letter-spacing: -.02em; margin: 0 0 .5rem } header.top p { max-width: 46rem; margin: 0 0 1rem; color: var(--soft) }
.counts { display: flex; flex-wrap: wrap; gap: .5rem 1.4rem; margin: 0 0 1.4rem; padding: 0; list-style: none; font-size: .92rem; color: var(--soft) }
.counts li { display: flex; align-items: center; gap: .5rem } .counts li::before { content: ""; width: 11px; height: 11px; border-radius: 3px; background: var(--kind) } .counts b { color: var(--ink) }
figure { margin: 0 0 3rem; padding: 1rem; border: 1px solid var(--line); border-radius: 14px; background: var(--panel); box-shadow: var(--shadow); overflow-x: auto }
.diagram { display: block; width: 100%; min-width: 118rem; height: auto; font-family: system-ui, -apple-system, "Segoe UI", sans-serif }
.diagram .body { fill: color-mix(in srgb, var(--tint) 45%, var(--panel)); stroke: color-mix(in srgb, var(--kind) 28%, var(--line)); stroke-width: 1 } .diagram .stripe { fill: var(--kind) }
.diagram .title { font-size: 13.5px; font-weight: 650; fill: var(--ink) } .diagram .table { font-size: 10.5px; fill: var(--faint); font-family: ui-monospace, Menlo, Consolas, monospace }
.diagram text.satellite { font-size: 11.5px; fill: var(--soft); font-family: ui-monospace, Menlo, Consolas, monospace } .diagram .dot { fill: var(--satellite) } .diagram .row { fill: transparent }
.diagram a:hover .row { fill: var(--panel) } .diagram a:hover text.satellite { fill: var(--ink) } .diagram a:hover .title { fill: var(--kind) }
.diagram .edges path { fill: none; stroke: var(--link); stroke-width: 1.6; stroke-linejoin: round; opacity: .5 } .diagram .edges circle { fill: var(--hub); stroke: var(--panel); stroke-width: 1.5 }
.diagram.focused .edges > *, .diagram.focused .card { opacity: .16 } .diagram.focused .edges .near, .diagram.focused .card.near { opacity: 1 } .diagram .edges > *, .diagram .card { transition: opacity .12s } .diagram .edges path.near { stroke-width: 2.4 }
section.schema > h2 { font-size: 1.25rem; letter-spacing: -.01em; margin: 3rem 0 1rem }
article { margin: 0 0 1.25rem; border: 1px solid var(--line); border-left: 4px solid var(--kind); border-radius: 12px; background: var(--panel); box-shadow: var(--shadow); overflow: hidden }
article > header { padding: 1rem 1.25rem .9rem } article h3 { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem .7rem; margin: 0; font-size: 1.08rem; letter-spacing: -.01em }
article h3 code { font-weight: 400; color: var(--soft) } article p { margin: .35rem 0 .7rem; color: var(--soft); max-width: 60rem }
.badge { display: inline-block; padding: .02rem .5rem; border-radius: 99px; font-size: .74rem; font-weight: 600; color: var(--kind); background: var(--tint); white-space: nowrap } .badge.quiet { color: var(--soft); background: var(--code) } .badge.secret { color: var(--secret); background: var(--secret-tint) }
dl { display: flex; flex-wrap: wrap; gap: .3rem 1.6rem; margin: 0; font-size: .88rem } dl div { display: flex; gap: .45rem } dt { color: var(--faint) } dd { margin: 0 }
dd a { color: var(--kind-of-target, var(--ink)); border-bottom: 1px solid var(--line) } dd a:hover { border-bottom-color: currentcolor } a.hub, a.link, a.satellite { --kind-of-target: var(--kind) }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: .9rem } th, td { text-align: left; vertical-align: baseline; padding: .42rem .75rem; border-top: 1px solid var(--line) } th { font-size: .74rem; font-weight: 600; letter-spacing: .05em; text-transform: uppercase; color: var(--faint); background: var(--code); padding-block: .35rem }
th:first-child, td:first-child { padding-left: 1.25rem } td:nth-child(1) { white-space: nowrap; width: 17rem } td:nth-child(2) { white-space: nowrap; width: 10rem; color: var(--soft) } td:nth-child(3) { white-space: nowrap; width: 9rem } tr.standard td { color: var(--faint) }
.none { display: none } #nothing { color: var(--soft) }
@media (max-width: 60rem) { body { display: block } nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line) } nav .lists { display: none } }
@media print { body { display: block; background: none; font-size: 10px } nav { display: none } article { break-inside: avoid; box-shadow: none } }
`;

/** Filters the tables by the typed text, and highlights the relations of a card in the diagram. */
export const SCRIPT = `
const search = document.querySelector('#search');
const items = [...document.querySelectorAll('[data-text]')];
const groups = [...document.querySelectorAll('[data-group]')];
const filter = () => {
  const words = search.value.toLowerCase().split(/\\s+/).filter(Boolean);
  for (const item of items) item.classList.toggle('none', !words.every((word) => item.dataset.text.includes(word)));
  for (const group of groups) group.classList.toggle('none', !group.querySelector('[data-text]:not(.none)'));
  document.querySelector('#nothing').classList.toggle('none', items.some((item) => !item.classList.contains('none')));
};
search.addEventListener('input', filter);
addEventListener('keydown', (event) => {
  if (event.key !== '/' || document.activeElement === search) return;
  event.preventDefault();
  search.focus();
});
const diagram = document.querySelector('.diagram');
for (const card of diagram.querySelectorAll('.card')) {
  card.addEventListener('mouseenter', () => {
    const near = new Set([card.dataset.table]);
    for (const edge of diagram.querySelectorAll('[data-ends]')) {
      const ends = edge.dataset.ends.split(' ');
      const is_near = ends.includes(card.dataset.table);
      edge.classList.toggle('near', is_near);
      if (is_near) for (const end of ends) near.add(end);
    }
    for (const other of diagram.querySelectorAll('.card')) other.classList.toggle('near', near.has(other.dataset.table));
    diagram.classList.add('focused');
  });
  card.addEventListener('mouseleave', () => diagram.classList.remove('focused'));
}
`;
