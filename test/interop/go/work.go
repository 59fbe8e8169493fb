package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

type workRequest struct {
	envelope
	Schema string   `json:"schema"`
	Kinds  []string `json:"kinds"`
	// Queues maps a queue to its number of workers; not given, 10 on default.
	Queues map[string]int `json:"queues"`
	// PollIntervalMs is how long a job waits when nothing announces it; 1000 if not given.
	PollIntervalMs float64 `json:"pollIntervalMs"`
	// FetchCooldownMs is the shortest time between two fetches; 100 if not given.
	FetchCooldownMs float64 `json:"fetchCooldownMs"`
	// WorkMs is how long each job takes.
	WorkMs float64 `json:"workMs"`
	// JobTimeoutMs is the time limit of each attempt; a minute if not given.
	JobTimeoutMs float64 `json:"jobTimeoutMs"`
	// ClientID is what stands in attempted_by; made by River if not given.
	ClientID string `json:"clientId"`
	// RescueAfterMs is how long a job may be running.
	RescueAfterMs float64 `json:"rescueAfterMs"`
	// OnlyKnownKinds leaves jobs of other kinds alone.
	OnlyKnownKinds bool `json:"onlyKnownKinds"`
	// Periodic are inserted while the client leads.
	Periodic []periodicJob `json:"periodic"`
}

type periodicJob struct {
	ID         string  `json:"id"`
	EveryMs    float64 `json:"everyMs"`
	RunOnStart bool    `json:"runOnStart"`
	Job        job     `json:"job"`
}

func (p periodicJob) river() *river.PeriodicJob {
	construct := func() (river.JobArgs, *river.InsertOpts) {
		args, err := p.Job.args()
		if err != nil {
			panic(err)
		}
		return args, p.Job.Opts.river()
	}
	opts := &river.PeriodicJobOpts{ID: p.ID, RunOnStart: p.RunOnStart}
	return river.NewPeriodicJob(river.PeriodicInterval(milliseconds(p.EveryMs)), construct, opts)
}

type workerRequest struct {
	envelope
	// Worker is what work answered.
	Worker string `json:"worker"`
	// Cancel cancels the contexts of the jobs under way.
	Cancel bool `json:"cancel"`
}

type workResult struct {
	Worker string `json:"worker"`
}

type workedResult struct {
	Jobs []workedJob `json:"jobs"`
}

// workedJob is one start of a job.
type workedJob struct {
	ID              string  `json:"id"`
	Kind            string  `json:"kind"`
	Queue           string  `json:"queue"`
	Attempt         int     `json:"attempt"`
	EncodedArgs     string  `json:"encodedArgs"`
	StartedAtUnixMs float64 `json:"startedAtUnixMs"`
}

// worker is a running client and what it has worked so far.
type worker struct {
	client *riverClient
	workMs float64

	mu   sync.Mutex
	jobs []workedJob
}

// work starts a client that works any args of the given kinds.
func work(ctx context.Context, s *session, request workRequest) (any, error) {
	pool, err := s.pool(ctx, request.envelope)
	if err != nil {
		return nil, err
	}

	started := &worker{workMs: request.WorkMs, jobs: []workedJob{}}
	started.client, err = river.NewClient(riverpgxv5.New(pool), request.config(started))
	if err != nil {
		return nil, err
	}
	// Not the request's context: whose end would cancel the jobs.
	if err := started.client.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastWorker++
	name := "worker" + strconv.Itoa(s.lastWorker)
	s.workers[name] = started
	return workResult{name}, nil
}

func (r workRequest) config(started *worker) *river.Config {
	kinds := river.NewWorkers()
	for _, kind := range r.Kinds {
		river.AddWorkerArgs(kinds, anyArgs{kind: kind}, started.recorder())
	}

	queues := map[string]river.QueueConfig{}
	for name, workers := range r.Queues {
		queues[name] = river.QueueConfig{MaxWorkers: workers}
	}
	if len(queues) == 0 {
		queues[river.QueueDefault] = river.QueueConfig{MaxWorkers: 10}
	}

	periodic := make([]*river.PeriodicJob, 0, len(r.Periodic))
	for _, job := range r.Periodic {
		periodic = append(periodic, job.river())
	}

	return &river.Config{
		FetchCooldown:        milliseconds(r.FetchCooldownMs),
		FetchOnlyKnownKinds:  r.OnlyKnownKinds,
		ID:                   r.ClientID,
		FetchPollInterval:    milliseconds(r.PollIntervalMs),
		JobTimeout:           milliseconds(r.JobTimeoutMs),
		Logger:               quietly(),
		PeriodicJobs:         periodic,
		Queues:               queues,
		RescueStuckJobsAfter: milliseconds(r.RescueAfterMs),
		Schema:               r.Schema,
		Workers:              kinds,
	}
}

// worked tells which jobs a worker has started so far, in order.
func worked(_ context.Context, s *session, request workerRequest) (any, error) {
	asked, err := s.worker(request.Worker)
	if err != nil {
		return nil, err
	}
	return asked.result(), nil
}

// stopWork ends a worker after the jobs it has under way, and tells what it worked.
func stopWork(ctx context.Context, s *session, request workerRequest) (any, error) {
	asked, err := s.worker(request.Worker)
	if err != nil {
		return nil, err
	}

	s.mu.Lock()
	delete(s.workers, request.Worker)
	s.mu.Unlock()

	if request.Cancel {
		return asked.result(), asked.client.StopAndCancel(ctx)
	}
	softly, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := asked.client.Stop(softly); err != nil {
		return nil, errors.Join(err, asked.client.StopAndCancel(ctx))
	}
	return asked.result(), nil
}

func (s *session) worker(name string) (*worker, error) {
	s.mu.Lock()
	defer s.mu.Unlock()

	asked, running := s.workers[name]
	if !running {
		return nil, fmt.Errorf("no worker %q is running", name)
	}
	return asked, nil
}

func (w *worker) recorder() river.Worker[anyArgs] {
	return river.WorkFunc(func(ctx context.Context, job *river.Job[anyArgs]) error {
		w.record(job)

		told := tellings(job.EncodedArgs)
		if told.Waits {
			return told.end(ctx)
		}
		select {
		case <-time.After(milliseconds(w.workMs + told.WorkMs)):
			return told.end(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

func (w *worker) record(job *river.Job[anyArgs]) {
	now := float64(time.Now().UnixMicro()) / 1000

	w.mu.Lock()
	defer w.mu.Unlock()
	w.jobs = append(w.jobs, workedJob{
		ID:              strconv.FormatInt(job.ID, 10),
		Kind:            job.Kind,
		Queue:           job.Queue,
		Attempt:         job.Attempt,
		EncodedArgs:     string(job.EncodedArgs),
		StartedAtUnixMs: now,
	})
}

func (w *worker) result() workedResult {
	w.mu.Lock()
	defer w.mu.Unlock()
	return workedResult{append([]workedJob{}, w.jobs...)}
}

// anyArgs takes the args of any kind and keeps their text.
type anyArgs struct {
	kind string
	json.RawMessage
}

func (a anyArgs) Kind() string { return a.kind }

func milliseconds(number float64) time.Duration {
	return time.Duration(number * float64(time.Millisecond))
}
