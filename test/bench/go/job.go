package main

import "fmt"

// bench is the job that every subject inserts: as in job.mjs.
type bench struct {
	Email   string   `json:"email"`
	Items   []string `json:"items"`
	OrderID int64    `json:"orderId"`
	Total   float64  `json:"total"`
}

func (bench) Kind() string { return "bench" }

func job(number int64) bench {
	return bench{email(number), []string{"whale", "tiger", "bear"}, number, 12.5}
}

func email(number int64) string {
	return fmt.Sprintf("customer-%d@example.com", number)
}
