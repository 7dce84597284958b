package run

import (
	"context"
	"slices"
	"sync"
	"time"

	"postern/remote"
)

// bootOf is which boot of a host its facts are of, "" when it did not tell.
func bootOf(facts remote.Facts) string {
	id, _ := facts.Get(remote.ReadBoot.ID)
	return id
}

// startedAnew names the hosts that were started anew since it was asked what works. A host that answers over no login of ours any more
// is logged in to once more: it may be back.
func (r *Runner) startedAnew(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 45*time.Second)
	defer cancel()
	var mu sync.Mutex
	var names []string
	var wg sync.WaitGroup
	for _, h := range r.Site.Hosts {
		was, one := r.boots[h.Name], r.hosts[h.Name]
		if was == "" || one == nil || one.session == nil {
			continue
		}
		wg.Go(func() {
			facts, err := one.session.Facts(ctx, []remote.Query{remote.ReadBoot})
			for err != nil && ctx.Err() == nil {
				next := time.After(patience)
				if again, entered := r.enter(ctx, one.target); entered == nil {
					facts, err = again.Facts(ctx, []remote.Query{remote.ReadBoot})
					again.Close()
				} else {
					<-next
				}
			}
			if now := bootOf(facts); now != "" && now != was {
				mu.Lock()
				defer mu.Unlock()
				names = append(names, h.Name)
			}
		})
	}
	wg.Wait()
	slices.Sort(names)
	return names
}
