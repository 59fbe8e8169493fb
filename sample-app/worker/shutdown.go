package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
)

const (
	// softStop is how long jobs under way may take to finish by themselves.
	softStop = 5 * time.Second
	// hardStop is how long they may then take to notice that they are cancelled.
	hardStop = 2 * time.Second
)

// stopRequested gives a context that ends when the worker is told to stop, and
// a function that gives the signals back to the system.
func stopRequested() (context.Context, func()) {
	signalled, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	if os.Getenv("EXIT_ON_STDIN_CLOSE") != "1" {
		return signalled, release
	}

	stopping, cancel := context.WithCancel(signalled)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return stopping, func() {
		cancel()
		release()
	}
}

// stop lets running jobs finish, then cancels those that take too long; River
// works a cancelled job again later.
func stop(client *river.Client[pgx.Tx]) error {
	softly, cancelSoft := context.WithTimeout(context.Background(), softStop)
	defer cancelSoft()
	if err := client.Stop(softly); !errors.Is(err, context.DeadlineExceeded) {
		return err
	}

	firmly, cancelFirm := context.WithTimeout(context.Background(), hardStop)
	defer cancelFirm()
	return client.StopAndCancel(firmly)
}
