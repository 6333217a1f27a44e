#!/mltui/bin/busybox sh
# Runs a service's command in its own image. The pipe `alive` is held open for as long as this lives:
# its closing tells the recorder beside it that nothing more comes, also when all of this was killed.
b=/mltui/bin/busybox
umask 0
exec 9<>/mltui/run/alive
end() { # code, reason
  echo "mltui: $2" >&2
  exit "$1"
}
cd /mltui/work || end 126 "the working folder can't be entered"
program=$1; shift
# By hand: this shell would take what busybox has itself for the image's programs.
found=
case $program in
*/*) [ ! -e "$program" ] || found=$program ;;
*)
  IFS=:
  for place in $PATH; do
    if [ -z "$found" ] && [ -f "$place/$program" ] && [ -x "$place/$program" ]; then found=$place/$program; fi
  done
  unset IFS ;;
esac
[ -n "$found" ] || end 127 "its image has no program '$program'"
[ -x "$found" ] || end 126 "the program '$program' in its image can't be executed"
"$found" "$@" 9>&- & pid=$!
trap 'kill -TERM $pid 2>/dev/null' TERM INT
while :; do
  wait $pid; code=$?
  kill -0 $pid 2>/dev/null || break
done
exit "$code"
