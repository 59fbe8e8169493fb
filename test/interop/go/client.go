package main

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

type riverClient = river.Client[pgx.Tx]

// clientKey says which requests share a client, and with it the client's
// window for notifications.
type clientKey struct {
	pool   *pgxpool.Pool
	schema string
}

// target says where, and at which time, a request inserts.
type target struct {
	// Schema is River's schema; not given, the connection's search path decides.
	Schema string `json:"schema"`
	// Now stands still for the client of this request; not given, time runs.
	Now *time.Time `json:"now"`
}

// quietly logs what a test should hear of, to stderr.
func quietly() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}

// client gives an inserting client. Requests with a clock of their own get a
// client of their own.
func (s *session) client(ctx context.Context, request envelope, to target) (*riverClient, error) {
	pool, err := s.pool(ctx, request)
	if err != nil {
		return nil, err
	}

	config := &river.Config{Logger: quietly(), Schema: to.Schema}
	if to.Now != nil {
		config.Test.Time = fixedClock(*to.Now)
		return river.NewClient(riverpgxv5.New(pool), config)
	}

	s.mu.Lock()
	defer s.mu.Unlock()

	key := clientKey{pool, to.Schema}
	if client, made := s.clients[key]; made {
		return client, nil
	}

	client, err := river.NewClient(riverpgxv5.New(pool), config)
	if err != nil {
		return nil, err
	}

	s.clients[key] = client
	return client, nil
}

// fixedClock is a River time generator that always tells the same time.
type fixedClock time.Time

func (c fixedClock) Now() time.Time { return time.Time(c) }

func (c fixedClock) NowOrNil() *time.Time {
	now := time.Time(c)
	return &now
}
