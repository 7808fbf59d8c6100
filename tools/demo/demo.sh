#!/usr/bin/env bash
# Shows a node at work: films are encoded, a picture is cut from one of them,
# the node is killed in the middle and started again, and every job is
# accounted for; then a model answers. Fails when a job or a file is missing.
# demo.sh [--keep]: keeps the films and the node's data.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${TROUPE_BIN:-$top/build/bin}
keep=
[[ ${1:-} != --keep ]] || keep=1
scratch=$(mktemp -d "${TMPDIR:-/tmp}/troupe-demo.XXXXXX")
export TROUPE_DATA=$scratch/data
films=$scratch/films
node=
began=$SECONDS

troupe() { "$bin/troupe" "$@"; }

say() { printf '\n==> %s\n' "$*"; }

die() {
  printf 'demo: %s\n' "$*" >&2
  [[ ! -s $scratch/node.log ]] ||
    { echo 'demo: the end of the log of the node:' >&2
      tail -n 20 "$scratch/node.log" >&2; }
  exit 1
}

finish() {
  local code=$?
  if [[ -n $node ]]; then
    kill "$node" 2>/dev/null || true
    wait "$node" 2>/dev/null || true
  fi
  if [[ -n $keep ]]; then
    printf '\nKept: %s\n' "$scratch"
  else
    rm -rf "$scratch"
  fi
  return "$code"
}
trap finish EXIT

# pause SECONDS: without a process.
pause() { read -r -t "$1" <> <(:) || true; }

start_node() {
  # Not through the function: its subshell would be what is killed.
  "$bin/troupe" node >>"$scratch/node.log" 2>&1 &
  node=$!
  local deadline=$((SECONDS + 30))
  until troupe queue show >/dev/null 2>&1; do
    kill -0 "$node" 2>/dev/null || die 'the node ended'
    ((SECONDS < deadline)) || die 'the node does not answer'
    pause 0.1
  done
}

# field NAME: its first text or number in the JSON on standard input.
field() { grep -o "\"$1\":[^,}]*" | head -n 1 | cut -d: -f2- | tr -d '"'; }

running() { troupe jobs list --state running --json | wc -l; }

# film NAME SOURCE SECONDS: an encode as one line of JSON.
film() {
  printf '{"kind":"process.run","tags":["demo","%s"],"params":{' "$1"
  printf '"argv":["ffmpeg","-nostdin","-hide_banner","-f","lavfi","-i","%s",' \
    "$2"
  printf '"-t","%s","-threads","1","-c:v","libx264","-preset","%s",' \
    "$3" "$preset"
  printf '"-pix_fmt","yuv420p","-progress","-","-nostats","%s.mp4"],' "$1"
  printf '"outputs":["%s.mp4"],' "$1"
  printf '"progress":[{"rule":"ffmpeg","duration_s":%s}]}}\n' "$3"
}

[[ -x $bin/troupe ]] || die "$bin/troupe is missing: ./dev build makes it"
command -v ffmpeg >/dev/null || die 'ffmpeg is missing'
preset=medium
size=size=960x540:rate=30

say 'A node starts on a data folder of its own'
start_node
troupe queue show

say 'Jobs from a CAF program, as messages to an actor'
mapfile -t ids < <({
  film testsrc "testsrc2=$size" 14
  film fractal "mandelbrot=$size" 4
} | "$bin/troupe-demo-submit" "$TROUPE_DATA")
((${#ids[@]} == 2)) || die 'the program did not submit two jobs'
names=(testsrc.mp4 fractal.mp4)
printf '%s\n' "${ids[@]}"

say 'Jobs from the command line, one JSON object a line'
while IFS= read -r line; do
  ids+=("$(field id <<<"$line")")
  printf '%s\n' "$line"
done < <({
  film clock "testsrc=$size" 12
  film bars "smptehdbars=$size" 12
} | troupe submit --json -)
names+=(clock.mp4 bars.mp4)
((${#ids[@]} == 4)) || die 'the command line did not submit two jobs'

say 'A chain: when the first film is done, a picture is cut from it'
ids+=("$(troupe submit process.run --json --tag demo \
  --input "film.mp4=${ids[0]}:testsrc.mp4" --output thumbnail.png -- \
  ffmpeg -nostdin -hide_banner -ss 7 -i film.mp4 -frames:v 1 thumbnail.png |
  field id)")
names+=(thumbnail.png)
troupe jobs explain "${ids[4]}"

say 'Progress'
code=0
troupe jobs wait "${ids[@]}" --timeout 4s >/dev/null || code=$?
((code == 7)) || die "the jobs should still run (code $code)"
[[ -t 2 ]] || troupe jobs list

say "kill -9 $node: the node dies in the middle of $(running) films"
(($(running) > 0)) || die 'no job runs: nothing to interrupt'
kill -9 "$node"
wait "$node" 2>/dev/null || true
node=
pause 1

say 'It starts again on the same folder'
start_node
[[ -t 2 ]] || troupe jobs list

say 'All jobs go on to their end'
code=0
troupe jobs wait "${ids[@]}" --timeout 120s >/dev/null || code=$?
((code == 0)) || { troupe jobs list; die "not every job succeeded ($code)"; }

say 'Every job is accounted for, and its file is there'
mkdir -p "$films"
repeated=0
printf '%-26s  %-13s  %-9s  %-7s  %9s  %s\n' \
  JOB FILE STATE ATTEMPTS BYTES CONTENT
for i in "${!ids[@]}"; do
  job=$(troupe jobs show "${ids[i]}" --json)
  troupe artifacts get "${ids[i]}" "${names[i]}" -o "$films/" >/dev/null ||
    die "${names[i]} is missing"
  content=$(ffprobe -v error -show_entries \
    stream=codec_name,width,height,nb_frames -of csv=p=0 \
    "$films/${names[i]}") || die "${names[i]} is broken"
  attempt=$(field attempt <<<"$job")
  ((attempt < 2)) || repeated=$((repeated + 1))
  printf '%-26s  %-13s  %-9s  %-8s  %9s  %s\n' "${ids[i]}" "${names[i]}" \
    "$(field state <<<"$job")" "$attempt" "$(stat -c %s "$films/${names[i]}")" \
    "$content"
done
((repeated > 0)) || die 'no job was repeated: the kill did not hit one'

say 'What happened to the first one'
troupe jobs events "${ids[0]}"

# The model comes with the program; where it does not, nothing is said of it.
if [[ -e $bin/../share/troupe/models/demo-chat/config.json ]]; then
  say 'A model that comes with the program is asked something'
  troupe models show demo-chat
  answer=$(troupe chat --model demo-chat --temperature 0 \
    <<<'Hello, who are you?') || die 'the model does not answer'
  printf 'Hello, who are you?\n%s\n' "$answer"
  [[ -n $answer ]] || die 'the model answers nothing'

  say 'It makes more of a short prompt for a picture'
  answer=$(troupe run text.enhance --model demo-chat --param temperature=0 \
    --param prompt='red circle') || die 'the model does not enhance'
  printf 'red circle\n%s\n' "$answer"
  [[ $answer == *red* && $answer == *circle* ]] ||
    die 'the red circle is lost'
fi

left=$(grep -lzs "^TROUPE_SCRATCH=$scratch" /proc/[0-9]*/environ | wc -l ||
  true)
((left == 0)) || die "$left processes of jobs are left"
say "Done in $((SECONDS - began)) s: ${#ids[@]} jobs, $repeated of them \
repeated after the kill, none lost"
if [[ -z $keep ]]; then
  printf 'The films were in %s and are removed now; --keep keeps them.\n' \
    "$films"
fi
