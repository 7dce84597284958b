package run

import (
	"context"
	"net"

	"postern/checks"
	"postern/checks/path"
	"postern/site"
)

// Why follows a port hop by hop and says where its packets end, over each family. It changes nothing. A host that cannot be reached makes
// its hops unknown, not an error. names looks up servers of others from where the program runs; nil asks none.
func (r *Runner) Why(ctx context.Context, port site.Service, names *net.Resolver) ([]path.Diagnosis, error) {
	if err := r.connect(ctx); err != nil {
		return nil, err
	}
	env, err := r.env(ctx, r.Site, []checks.Check{{Reads: path.Reads}}, r.sessions())
	if err != nil {
		return nil, err
	}
	env.Names = names
	return path.Ask(ctx, env, port)
}
