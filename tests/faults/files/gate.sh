# Say that a point is reached, and wait while its gate is shut, for a minute at the most.
touch "$1/at-$2"
tries=0
while [ -e "$1/stop-at-$2" ] && [ "$tries" -lt 600 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
