#!/usr/bin/env bash
# Draws the curves of a metrics.csv as SVG: training NLL (grey) and validation NLL (dots) against the epoch.
#   scripts/plot-metrics.sh metrics.csv TITLE [LOWEST HIGHEST] > curve.svg
set -eu
file=${1:?metrics.csv}
title=${2:-$file}
awk -F, -v title="$title" -v low="${3:-}" -v high="${4:-}" '
NR == 1 { unit = $5; sub(/^train_/, "", unit); gsub(/_/, " ", unit); next }
{
    epoch[++n] = $2; train[n] = $5; valid[n] = $6
    if ($2 > last) last = $2
    for (i = 5; i <= 6; i++) if ($i != "") { if (min == "" || $i < min) min = $i; if ($i > max) max = $i }
}
END {
    if (!n) { print "plot-metrics: no lines of numbers" > "/dev/stderr"; exit 1 }
    if (low == "") low = min; if (high == "") high = max
    w = 640; h = 360; l = 60; r = 20; t = 40; b = 40
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\">\n", w, h
    print "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>"
    printf "<text x=\"%d\" y=\"20\">%s</text>\n", l, title
    for (i = 0; i <= 5; i++) {
        v = low + (high - low) * i / 5; y = h - b - (h - t - b) * i / 5
        printf "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>", l, w - r, y, y
        printf "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.2f</text>\n", l - 6, y + 4, v
        printf "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.3g</text>\n", l + (w - l - r) * i / 5, h - b + 18, last * i / 5
    }
    printf "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">epoch</text>\n", (w + l - r) / 2, h - 6
    printf "<text x=\"16\" y=\"%d\" transform=\"rotate(-90 16 %d)\" text-anchor=\"middle\">%s</text>\n", h / 2, h / 2, unit
    printf "<polyline fill=\"none\" stroke=\"#999\" points=\""
    for (i = 1; i <= n; i++) if (train[i] != "" && train[i] <= high && train[i] >= low) printf "%.1f,%.1f ", px(epoch[i]), py(train[i])
    print "\"/>\n<polyline fill=\"none\" stroke=\"#06c\" points=\""
    for (i = 1; i <= n; i++) if (valid[i] != "" && valid[i] <= high && valid[i] >= low) printf "%.1f,%.1f ", px(epoch[i]), py(valid[i])
    print "\"/>"
    for (i = 1; i <= n; i++) if (valid[i] != "" && valid[i] <= high && valid[i] >= low) printf "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"#06c\"/>\n", px(epoch[i]), py(valid[i])
    printf "<text x=\"%d\" y=\"%d\" fill=\"#999\" text-anchor=\"end\">training</text>\n", w - r, t
    printf "<text x=\"%d\" y=\"%d\" fill=\"#06c\" text-anchor=\"end\">validation</text>\n", w - r, t + 16
    print "</svg>"
}
function px(x) { return l + (w - l - r) * x / last }
function py(y) { return h - b - (h - t - b) * (y - low) / (high - low > 0 ? high - low : 1) }
' "$file"
