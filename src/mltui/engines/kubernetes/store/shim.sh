#!/mltui/bin/busybox sh
# Runs a stage's command in its own image and notes how it ended; the keeper beside it reads that.
# The pipe `alive` is held open for as long as this lives: its closing is the sign of the end, also
# when all of this was killed. Nothing here comes from the image, which may have no shell.
b=/mltui/bin/busybox
run=/mltui/run
umask 0
grace=$1; shift
exec 9<>$run/alive
: >>$run/log
# Beside the log that is kept, the container's own, which kubectl shows.
$b tee -a $run/log <$run/out 9>&- & tee=$!
: >$run/started
end() { # code, more lines
  # Something left in the background may hold the pipe open: it gets a moment.
  exec 7>&-
  ( $b sleep 2; kill $tee 2>/dev/null ) 9>&- >/dev/null 2>&1 & watch=$!
  wait $tee
  kill $watch 2>/dev/null
  {
    echo "code $1"
    $b cat /sys/fs/cgroup/memory.peak /sys/fs/cgroup/memory/memory.max_usage_in_bytes 2>/dev/null | $b head -n 1 | $b sed 's/^/peak /'
    $b sed -n 's/^usage_usec /cpu_us /p' /sys/fs/cgroup/cpu.stat 2>/dev/null
    $b sed 's/^/cpu_ns /' /sys/fs/cgroup/cpuacct/cpuacct.usage /sys/fs/cgroup/cpu,cpuacct/cpuacct.usage 2>/dev/null | $b head -n 1
    $b cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null | $b sed -n 's/^oom_kill /ooms /p'
    [ -z "$2" ] || echo "refused $2"
  } >$run/code.new
  $b mv $run/code.new $run/code
  exit "$1"
}
exec 7>$run/out
cd /mltui/work || end 126 "the working folder can't be entered"
# A monitor's: there were too few records, or how old the model is by now.
[ ! -e $run/few ] || end 0
if [ -n "$MLTUI_MODEL_AT" ]; then
  age=$(($($b date +%s) - MLTUI_MODEL_AT))
  [ "$age" -ge 0 ] || age=0
  export MLTUI_MODEL_AGE_S=$age
  unset MLTUI_MODEL_AT
fi
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
"$found" "$@" >&7 2>&1 7>&- 9>&- & pid=$!
told() { kill -TERM $pid 2>/dev/null; ( $b sleep "$grace"; kill -KILL $pid 2>/dev/null ) 9>&- 7>&- >/dev/null 2>&1 & }
trap told TERM INT
while :; do
  wait $pid; code=$?
  kill -0 $pid 2>/dev/null || break
done
end $code
