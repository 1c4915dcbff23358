package traffic

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Run sends n requests, at most atATime concurrently, and returns their answers in the
// order of the requests. progress, if not nil, receives the number of finished requests.
func Run(ctx context.Context, n, atATime int, send func(ctx context.Context, i int) Answer, progress func(done int)) []Answer {
	answers := make([]Answer, n)
	var next, done atomic.Int64
	var group sync.WaitGroup
	for range min(n, atATime) {
		group.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n || ctx.Err() != nil {
					return
				}
				answers[i] = send(ctx, i)
				if count := done.Add(1); progress != nil {
					progress(int(count))
				}
			}
		})
	}
	group.Wait()
	return answers
}

// Summary summarizes many answers.
type Summary struct {
	// Requests is the number of requests, OK that of the good answers.
	Requests, OK int
	// Pods and Statuses count the answers; a missing one has status 0.
	Pods     map[string]int
	Statuses map[int]int
	// Whole and First are the times of the good answers.
	Whole, First Times
	// Failed is one of the answers that are not OK, if there are any, and FailedFor the time
	// from the start of the first of them to the end of the last.
	Failed    *Answer
	FailedFor time.Duration
}

// Times are percentiles.
type Times struct{ P50, P95, P99 time.Duration }

// String formats the times in one line.
func (t Times) String() string {
	return fmt.Sprintf("%s / %s / %s", rounded(t.P50), rounded(t.P95), rounded(t.P99))
}

func rounded(d time.Duration) time.Duration { return d.Round(100 * time.Microsecond) }

// Sum summarizes answers.
func Sum(answers []Answer) Summary {
	s := Summary{Requests: len(answers), Pods: map[string]int{}, Statuses: map[int]int{}}
	var whole, first []time.Duration
	var from, until time.Time
	for _, a := range answers {
		s.Statuses[a.Status]++
		if !a.OK() {
			if s.Failed == nil || a.Began.Before(from) {
				s.Failed, from = &a, a.Began
			}
			if end := a.Began.Add(a.Whole); end.After(until) {
				until = end
			}
			continue
		}
		s.OK++
		s.Pods[a.Pod]++
		whole, first = append(whole, a.Whole), append(first, a.First)
	}
	s.Whole, s.First, s.FailedFor = times(whole), times(first), until.Sub(from)
	return s
}

// Favourite returns the pod with the most answers, and their number.
func (s Summary) Favourite() (pod string, answers int) {
	if len(s.Pods) == 0 {
		return "", 0
	}
	pod = slices.MaxFunc(slices.Sorted(maps.Keys(s.Pods)), func(a, b string) int { return cmp.Compare(s.Pods[a], s.Pods[b]) })
	return pod, s.Pods[pod]
}

func times(all []time.Duration) Times {
	if len(all) == 0 {
		return Times{}
	}
	slices.Sort(all)
	// Nearest rank: the smallest value that this percentage of the values does not exceed.
	rank := func(percent int) time.Duration { return all[(len(all)*percent+99)/100-1] }
	return Times{rank(50), rank(95), rank(99)}
}
