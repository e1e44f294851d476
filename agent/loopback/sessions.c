/* SPDX-License-Identifier: MIT */

/* The table of sessions of one UDP port; see sessions.h. */

#include "agent/loopback/sessions.h"

static Session **bucket_of(Sessions *t, uint16_t port) {
        return &t->buckets[port % SESSION_BUCKETS];
}

static SessionOrder *order_of(Sessions *t, const Session *s) {
        return s->answered ? &t->answered : &t->unanswered;
}

static void order_append(SessionOrder *o, Session *s) {
        s->older = o->newest;
        s->newer = NULL;
        if (o->newest)
                o->newest->newer = s;
        else
                o->oldest = s;
        o->newest = s;
        o->n++;
}

static void order_take(SessionOrder *o, Session *s) {
        if (s->older)
                s->older->newer = s->newer;
        else
                o->oldest = s->newer;
        if (s->newer)
                s->newer->older = s->older;
        else
                o->newest = s->older;
        o->n--;
}

Session *sessions_find(const Sessions *t, uint16_t port) {
        Session *s = t->buckets[port % SESSION_BUCKETS];

        while (s && s->port != port)
                s = s->same_bucket;
        return s;
}

void sessions_add(Sessions *t, Session *s, uint64_t now_usec) {
        Session **bucket = bucket_of(t, s->port);

        s->used_usec = now_usec;
        s->same_bucket = *bucket;
        *bucket = s;
        order_append(order_of(t, s), s);
        t->n++;
}

void sessions_remove(Sessions *t, Session *s) {
        Session **at = bucket_of(t, s->port);

        while (*at != s)
                at = &(*at)->same_bucket;
        *at = s->same_bucket;
        order_take(order_of(t, s), s);
        t->n--;
}

void sessions_touch(Sessions *t, Session *s, bool answer, uint64_t now_usec) {
        order_take(order_of(t, s), s);
        s->answered = s->answered || answer;
        s->used_usec = now_usec;
        order_append(order_of(t, s), s);
}

uint64_t sessions_deadline(const Sessions *t) {
        uint64_t deadline = UINT64_MAX;

        if (t->unanswered.oldest)
                deadline = t->unanswered.oldest->used_usec + SESSION_UNANSWERED_USEC;
        if (t->answered.oldest && t->answered.oldest->used_usec + SESSION_ANSWERED_USEC < deadline)
                deadline = t->answered.oldest->used_usec + SESSION_ANSWERED_USEC;
        return deadline;
}

Session *sessions_expired(const Sessions *t, uint64_t now_usec) {
        Session *s = t->unanswered.oldest;

        if (s && s->used_usec + SESSION_UNANSWERED_USEC <= now_usec)
                return s;
        s = t->answered.oldest;
        return s && s->used_usec + SESSION_ANSWERED_USEC <= now_usec ? s : NULL;
}

Session *sessions_least(const Sessions *t) {
        return t->unanswered.oldest;
}
