package remote

import (
	"fmt"
	"time"
)

const (
	heartbeat = 5 * time.Second
	misses    = 3
)

// watch asks the host for a sign of life every so often; a refusal is one. When none comes three times in a row it closes
// the link, which ends every call that waits for it.
func (l *link) watch(every time.Duration) {
	if every == 0 {
		every = heartbeat
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	var answer chan struct{}
	missed := 0
	for {
		select {
		case <-l.dead:
			return
		case <-answer:
			answer, missed = nil, 0
			continue
		case <-tick.C:
		}
		if answer != nil {
			if missed++; missed >= misses {
				l.cutOff(fmt.Sprintf("no sign of life for %v", time.Duration(misses)*every))
				return
			}
			continue
		}
		reply := make(chan struct{})
		answer = reply
		go func() {
			if _, _, err := l.client.SendRequest("keepalive@openssh.com", true, nil); err == nil {
				close(reply)
			}
		}()
	}
}
