package seen

import (
	"encoding/json"
	"strings"
	"time"
)

// Waiting is mail that the servers of a host have taken and not delivered yet.
type Waiting struct {
	Absent bool // there is no queue to look into
	Count  int
	Oldest time.Time // when the one that waits longest came
	Now    time.Time
	Why    string // the reason told most often; "" when none is
}

// For is how long the oldest has waited.
func (w Waiting) For() time.Duration {
	if w.Count == 0 || w.Oldest.IsZero() {
		return 0
	}
	return w.Now.Sub(w.Oldest)
}

// MailQueue reads what waits in the queues of a host's mail servers: Postfix's, in a container or not, and that of Haraka, which has a
// file for each, whose name begins with when it came, in milliseconds. Postfix's are counted there, and the first few hundred are told.
var MailQueue = register(Fact[Waiting]{ID: "mailqueue", ask: ofMail(mailBox + `echo '== now'; date +%s
post=; hara=
if [ -n "$box" ]; then post="docker exec $box"; elif ! command -v postqueue >/dev/null || ! systemctl -q is-active postfix; then post=none; fi
[ -d ` + HarakaSends + `/queue ] || hara=none
[ "$post$hara" != nonenone ] || { none absent; return; }
if [ "$post" != none ]; then
	echo '== postfix'; all=$(timeout 15 $post postqueue -j 2>/dev/null) || { echo 'Postfix does not tell its queue'; return 3; }
	printf '%s\n' "$all" | awk '
		match($0, /"arrival_time": *[0-9]+/) { t = substr($0, RSTART, RLENGTH); sub(/.*[: ]/, "", t); n++; if (!old || t + 0 < old) old = t + 0
			if (n <= 300 && length($0) < 2000) print }
		END { printf "%d %d\n", n, old }'
fi
if [ -z "$hara" ]; then
	echo '== haraka'; ls -1 ` + HarakaSends + `/queue | awk -F_ '/^[0-9]+_[0-9]+_/ { n++; t = substr($1, 1, length($1) - 3) + 0; if (!old || t < old) old = t } END { printf "%d %d\n", n, old }'
fi`), parse: func(s sections) (Waiting, error) {
	if s.has("absent") {
		return Waiting{Absent: true}, nil
	}
	w := Waiting{Now: time.Unix(number(s.one("now")), 0)}
	if w.Now.Unix() == 0 || !s.has("postfix") && !s.has("haraka") {
		return Waiting{}, odd("the host's clock", s.one("now"))
	}
	reasons := map[string]int{}
	for _, name := range []string{"postfix", "haraka"} {
		list := s.lines(name)
		if !s.has(name) {
			continue
		}
		if len(list) == 0 {
			return Waiting{}, odd(name, "")
		}
		for _, line := range list[:len(list)-1] {
			if why, ok := delayed(line); !ok {
				return Waiting{}, odd("postqueue", line)
			} else if why != "" {
				reasons[why]++
			}
		}
		count, oldest, ok := strings.Cut(list[len(list)-1], " ")
		if !ok {
			return Waiting{}, odd(name, list[len(list)-1])
		}
		w.Count += int(min(number(count), 1<<31))
		if at := number(oldest); at > 0 && (w.Oldest.IsZero() || at < w.Oldest.Unix()) {
			w.Oldest = time.Unix(at, 0)
		}
	}
	w.Why, _ = Commonest(reasons)
	return w, nil
}})

// delayed is the first reason why a mail waits, from one line of postqueue -j; "" where none is told yet.
func delayed(line string) (why string, ok bool) {
	var mail struct {
		ID         string `json:"queue_id"`
		Recipients []struct {
			Reason string `json:"delay_reason"`
		}
	}
	if json.Unmarshal([]byte(line), &mail) != nil || mail.ID == "" {
		return "", false
	}
	for _, r := range mail.Recipients {
		if r.Reason != "" {
			return r.Reason, true
		}
	}
	return "", true
}

// Commonest is the key that was counted most often, the first of the alphabet among equals; "" when none was.
func Commonest(counted map[string]int) (key string, often int) {
	for one, n := range counted {
		if n > often || n == often && one < key {
			key, often = one, n
		}
	}
	return key, often
}
