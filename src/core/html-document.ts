import { escapeHtml } from './html.ts';

/** Start of a self-contained page for screen and paper: no script, no external resource. */
export const htmlHead = (title: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
`;

export const HTML_END = '</body>\n</html>\n';

const STYLE = `
body { font: 14px/1.45 system-ui, sans-serif; color: #1c2330; margin: 2rem auto; max-width: 75rem; padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 0 .25rem } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid #d8dde6; overflow-wrap: anywhere }
th { background: #f3f5f9; font-weight: 600; overflow-wrap: normal } td { min-width: 5rem } td.number, th.number { text-align: right; overflow-wrap: normal; white-space: nowrap }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: 0 } dt { color: #5a6475 } dd { margin: 0; overflow-wrap: anywhere }
.note { color: #5a6475 } .total td { font-weight: 700; border-top: 2px solid #1c2330 }
@media print { body { margin: 0; max-width: none; font-size: 10px } thead { display: table-header-group } tr { break-inside: avoid } }
`;
