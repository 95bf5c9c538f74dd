"""The report's style: for a screen, a telephone of 360 px, and paper. No fonts or pictures from elsewhere."""

STYLE = """
:root{--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--wash:#f6f8fa;--yes:#116329;--no:#a40e26}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;color:var(--ink);background:#fff;
font:16px/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .25rem}
h2{font-size:1.3rem;margin:2.5rem 0 .75rem;padding-bottom:.25rem;border-bottom:2px solid var(--ink)}
h3{font-size:1.08rem;margin:1.75rem 0 .5rem}
h4{font-size:1rem;margin:1.25rem 0 .25rem}
th,td{overflow-wrap:break-word}
p{margin:.5rem 0}
ol,ul{margin:.25rem 0 .75rem;padding-left:1.6rem}
li{margin:.15rem 0}
dl{display:grid;grid-template-columns:minmax(8rem,13rem) 1fr;gap:.3rem 1rem;margin:.5rem 0 1rem}
dt{color:var(--soft)}
dd{margin:0}
code,.code{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.86em;
overflow-wrap:anywhere;word-break:break-word}
pre{white-space:pre-wrap;font:inherit;margin:.5rem 0}
.words{font-weight:600;letter-spacing:.01em}
.soft{color:var(--soft)}
.lead{font-size:1.05rem}
.way{border:1px solid var(--line);border-radius:6px;padding:.5rem .9rem;margin:.6rem 0;background:var(--wash)}
.way h4{margin:.1rem 0 .25rem}
.tree{margin:.25rem 0 .75rem}
.tree ol{margin:0}
.yes{color:var(--yes);font-weight:600}
.no{color:var(--no);font-weight:600}
.shout{color:#fff;background:var(--no);font-weight:700;padding:.05rem .4rem;
border-radius:3px;white-space:nowrap}
table{border-collapse:collapse;width:100%;font-size:.94em}
th,td{border:1px solid var(--line);padding:.35rem .55rem;text-align:left;vertical-align:top}
th{background:var(--wash)}
td{font-variant-numeric:tabular-nums}
@media (max-width:640px){
body{font-size:15px}
main{padding:1rem .75rem 3rem}
dl{grid-template-columns:1fr;gap:0}
dd{margin:0 0 .5rem}
ol,ul{padding-left:1.25rem}
thead{display:none}
table,tbody,tr,td{display:block;width:100%}
tr{border:1px solid var(--line);border-radius:6px;margin:0 0 .6rem;padding:.25rem 0}
td{border:0;padding:.15rem .6rem}
td::before{content:attr(data-label);display:block;color:var(--soft);font-size:.85em}
td:empty{display:none}
td:first-child{font-weight:600}
td:first-child::before{display:none}
}
@media print{
body{font-size:10.5pt}
main{max-width:none;padding:0}
h2,h3,h4{break-after:avoid}
.way,tr,dt,dd{break-inside:avoid}
.way{background:none}
.shout{color:var(--no);background:none;border:1.5pt solid var(--no)}
@page{margin:18mm 15mm}
}
"""
