#!/bin/sh
# Makes public/sample/slipstream-sample.webm from nothing but arithmetic, so nobody else's licence
# applies to it: slow coloured light and a soft chord, 24 s, 640x360, VP9 + Opus, at most 1.5 MB.
# Usage: e2e/clips/make-sample.sh [output.webm]
set -eu
output=${1:-"$(dirname "$0")/../../public/sample/slipstream-sample.webm"}
mkdir -p "$(dirname "$output")"

# The picture is computed at 160x90 and scaled up: it has no edges to lose. Periods (8, 12 and 24 s)
# divide the length, so the clip loops without a jump.
r='26+70*(0.5+0.5*sin(X/41+2*PI*T/24))*(0.5+0.5*sin(Y/23-2*PI*T/12))+18*sin((X+Y)/29+2*PI*T/8)'
g='74+78*(0.5+0.5*sin(X/53-2*PI*T/12+1.3))*(0.5+0.5*cos(Y/31+2*PI*T/24))+14*sin((X-Y)/37-2*PI*T/8)'
b='112+92*(0.5+0.5*sin((X+2*Y)/67+2*PI*T/24+0.7))+16*cos((X-Y)/27+2*PI*T/12)'

# A chord (A, E, C sharp, a high E) whose voices swell in turn, and fades at both ends.
voice() { echo "0.11*sin(2*PI*$1*t)*(0.55+0.45*sin(2*PI*t/$2+$3))"; }
left="$(voice 110 12 0)+$(voice 164.81 8 1)+$(voice 277.18 6 2)+$(voice 329.63 12 3)"
right="$(voice 110 12 0.6)+$(voice 164.81 8 2.2)+$(voice 277.18 6 3.4)+$(voice 329.63 12 4.2)"

ffmpeg -hide_banner -loglevel error -y \
  -f lavfi -i "nullsrc=size=160x90:rate=25:duration=24,format=gbrp,geq=r='$r':g='$g':b='$b',scale=640:360:flags=bicubic,format=yuv420p" \
  -f lavfi -i "aevalsrc='$left|$right':s=48000:d=24,afade=in:d=1.5,afade=out:st=22:d=2" \
  -c:v libvpx-vp9 -b:v 330k -deadline good -cpu-used 3 -row-mt 1 -threads 2 -g 50 \
  -c:a libopus -b:a 48k -fflags +bitexact -map_metadata -1 "$output"
