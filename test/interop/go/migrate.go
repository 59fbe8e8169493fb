package main

import (
	"context"

	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

type migrateRequest struct {
	envelope
	Schema    string                 `json:"schema"`
	Direction rivermigrate.Direction `json:"direction"`
	// TargetVersion is the version to arrive at: without one, up goes to the
	// newest and down one step; -1 takes everything away.
	TargetVersion int `json:"targetVersion"`
	// MaxSteps is the most versions to put on or take off; 0 is River's default.
	MaxSteps int `json:"maxSteps"`
	// DryRun only tells what would be done.
	DryRun bool `json:"dryRun"`
}

type migrateResult struct {
	// Versions are those put on or taken off, in the order of doing so.
	Versions []int `json:"versions"`
}

// migrate moves River's schema to a version. The schema itself must exist.
func migrate(ctx context.Context, s *session, request migrateRequest) (any, error) {
	pool, err := s.pool(ctx, request.envelope)
	if err != nil {
		return nil, err
	}

	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{
		Logger: quietly(),
		Schema: request.Schema,
	})
	if err != nil {
		return nil, err
	}

	direction := request.Direction
	if direction == "" {
		direction = rivermigrate.DirectionUp
	}

	done, err := migrator.Migrate(ctx, direction, &rivermigrate.MigrateOpts{
		DryRun:        request.DryRun,
		MaxSteps:      request.MaxSteps,
		TargetVersion: request.TargetVersion,
	})
	if err != nil {
		return nil, err
	}

	result := migrateResult{Versions: []int{}}
	for _, version := range done.Versions {
		result.Versions = append(result.Versions, version.Version)
	}
	return result, nil
}
