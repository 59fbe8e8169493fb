// The sample's worker: River's own Go client, working the jobs that the Nest
// application inserts.
//
// It takes DATABASE_URL and, where River's tables are not in the default
// schema, RIVER_SCHEMA. It prints "worker ready" once it takes jobs, and stops
// on SIGINT and SIGTERM after the jobs it has under way. A parent process that
// sets EXIT_ON_STDIN_CLOSE=1 also stops it by closing its stdin, which happens
// by itself when the parent is killed.
package main

import (
	"context"
	"errors"
	"log"
	"os"

	"github.com/jackc/pgx/v5/pgxpool"
)

func main() {
	// Plain lines on stdout: whoever starts the worker puts its own mark before them.
	log.SetOutput(os.Stdout)
	log.SetFlags(0)

	if err := run(); err != nil {
		log.Fatalf("worker failed: %v", err)
	}
}

func run() error {
	databaseURL := os.Getenv("DATABASE_URL")
	if databaseURL == "" {
		return errors.New("DATABASE_URL is not set")
	}

	stopping, release := stopRequested()
	defer release()

	pool, err := pgxpool.New(stopping, databaseURL)
	if err != nil {
		return err
	}
	defer pool.Close()

	client, err := newClient(pool, os.Getenv("RIVER_SCHEMA"))
	if err != nil {
		return err
	}

	// Not the stopping context: River cancels its jobs when that one ends.
	if err := client.Start(context.Background()); err != nil {
		return err
	}
	log.Print("worker ready")

	<-stopping.Done()
	release() // a second signal ends the process at once
	return stop(client)
}
