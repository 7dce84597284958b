package remote_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"postern/remote"
)

// Connect to a host, look at it, and change a file under guard: the host takes it back by itself unless a new login, made
// after the change, confirms it.
func Example() {
	ctx := context.Background()
	target := remote.Target{Name: "proxy", SSH: "root@203.0.113.10"}
	options := remote.Options{Home: "/home/ann", User: "ann", Memory: remote.NewMemory()}
	s, err := remote.Connect(ctx, target, options)
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()

	const path = "/etc/motd"
	facts, err := s.Facts(ctx, []remote.Query{remote.ReadFile(path), remote.ReadRun("kernel", "uname -r")})
	if err != nil {
		log.Fatal(err)
	}
	kernel, _ := facts.Get("kernel")
	fmt.Println(remote.Clean(kernel))
	old, known := facts.File(path)
	if !known {
		log.Fatal("it cannot be read")
	}

	change := remote.Transaction{ID: "t1", Operator: "ann@laptop", Deadline: 2 * time.Minute, Changes: []remote.Change{{
		ID: "motd", Step: "example", Title: "greet", Path: path, Old: old, New: &remote.File{Text: "hello\n", Mode: 0o644, Owner: "root:root"},
	}}}
	if err := s.Begin(ctx, change, func(p remote.Progress) { fmt.Println(p.Text) }); err != nil {
		log.Fatal(err) // nothing is changed, or everything is taken back
	}
	anew, err := remote.Connect(ctx, target, options)
	if err != nil {
		log.Fatal(err) // nobody can get in any more: the host goes back in two minutes
	}
	defer anew.Close()
	if err := anew.Confirm(ctx, change.ID, nil); err != nil {
		log.Fatal(err)
	}
}
