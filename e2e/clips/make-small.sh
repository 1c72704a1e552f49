#!/bin/sh
# Makes the tiny clips in small/ that unit tests read. They are committed, so that the tests pass
# without ffmpeg; run this only to change them. Needs ffmpeg with libvpx, libopus, libx264, lame.
set -eu
cd "$(dirname "$0")"
mkdir -p small
picture='testsrc2=size=160x90:rate=12:duration=2'
sound='sine=frequency=440:sample_rate=48000:duration=2'
make() { ffmpeg -hide_banner -loglevel error -y -bitexact "$@"; }

make -f lavfi -i "$picture" -f lavfi -i "$sound" -c:v libvpx-vp9 -b:v 60k -g 12 -row-mt 0 -threads 1 \
  -c:a libopus -b:a 24k small/vp9-opus.webm
h264='-c:v libx264 -profile:v main -pix_fmt yuv420p -crf 34 -g 12 -threads 1 -c:a aac -b:a 32k'
# shellcheck disable=SC2086 # the options are words
make -f lavfi -i "$picture" -f lavfi -i "$sound" $h264 -movflags +faststart small/h264-aac-faststart.mp4
make -i small/h264-aac-faststart.mp4 -c copy small/h264-aac-moov-last.mp4
make -f lavfi -i "$sound" -c:a libopus -b:a 24k small/opus.ogg
make -f lavfi -i "$sound" -c:a libmp3lame -b:a 32k small/mp3.mp3
ls -l small
