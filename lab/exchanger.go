//go:build linux

package main

import (
	"context"
	"net"

	"postern/lab/mx"
)

// startExchanger has world take mail for external.test until the lab ends; what it takes is in the lab's folder "mx".
func (l *Lab) startExchanger() error {
	_, err := l.background("mx", "mx", l.dir("mx.log"), l.Name, exchangerAddr4, exchangerAddr6)
	return err
}

// childExchanger takes mail at addresses of world.
func childExchanger(args []string) error {
	l := &Lab{Options{Name: args[0]}}
	var on []net.Listener
	for _, addr := range args[1:] {
		conns, err := l.Listen(context.Background(), "world", "tcp", net.JoinHostPort(addr, "25"))
		if err != nil {
			return err
		}
		on = append(on, conns)
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return l.Dial(ctx, "world", network, net.JoinHostPort(resolverAddr, "53"))
	}}
	return mx.Server{Name: "mx.external.test", Domain: "external.test", Folder: l.dir("mx"), Resolver: resolver}.Serve(on...)
}
