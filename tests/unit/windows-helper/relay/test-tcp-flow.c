/* SPDX-License-Identifier: MIT */

/*
 * Every state of a connection with every input. The expectations are a table of their own, by the
 * pipe's state and the input, and not the code's rules once more.
 */

#include "tests/suite.h"
#include "windows-helper/core/relay/tcp-flow.h"

#include <stdbool.h>

#define _ FLOW_DO_RESET

/* What an open connection is told. FLOW_DO_END becomes FINISH when the other pipe has ended. */
static const FlowAction open_actions[_PIPE_STATE_END][_FLOW_INPUT_END] = {
        /*                CONNECTED FAILED READABLE      EMPTY         HELD          SENT END */
        [PIPE_CLOSED] = {_, _, _, _, _, _, _},
        [PIPE_MOVING] = {_, _, _, FLOW_DO_WAIT, FLOW_DO_SEND, _, FLOW_DO_END},
        [PIPE_WAITING] = {_, _, FLOW_DO_MOVE, _, _, _, _},
        [PIPE_HOLDING] = {_, _, _, _, _, FLOW_DO_MOVE, _},
        [PIPE_ENDED] = {_, _, _, _, _, _, _},
};

static const PipeState open_next[_PIPE_STATE_END][_FLOW_INPUT_END] = {
        [PIPE_MOVING] =
                {[FLOW_EMPTY] = PIPE_WAITING, [FLOW_HELD] = PIPE_HOLDING, [FLOW_END] = PIPE_ENDED},
        [PIPE_WAITING] = {[FLOW_READABLE] = PIPE_MOVING},
        [PIPE_HOLDING] = {[FLOW_SENT] = PIPE_MOVING},
};

#undef _

static void check_open(PipeState pipe, PipeState other, FlowSide side, FlowInput input) {
        Flow f = {.state = FLOW_OPEN};
        FlowAction action = open_actions[pipe][input];

        f.pipes[side] = pipe;
        f.pipes[!side] = other;
        if (action == FLOW_DO_END && other == PIPE_ENDED)
                action = FLOW_DO_FINISH;
        ck_assert_msg(flow_step(&f, side, input) == action, "pipe %d, other %d, input %d", pipe,
                      other, input);
        ck_assert_int_eq(f.pipes[!side],
                         other); /* never touched: no direction waits for the other */
        if (action == FLOW_DO_RESET)
                ck_assert_int_eq(f.state, FLOW_RESET);
        else
                ck_assert_int_eq(f.pipes[side], open_next[pipe][input]);
        if (action == FLOW_DO_FINISH)
                ck_assert_int_eq(f.state, FLOW_FINISHED);
        else if (action != FLOW_DO_RESET)
                ck_assert_int_eq(f.state, FLOW_OPEN);
}

START_TEST(test_open) {
        for (int pipe = 0; pipe < _PIPE_STATE_END; pipe++)
                for (int other = 0; other < _PIPE_STATE_END; other++)
                        for (int side = 0; side < _FLOW_SIDE_END; side++)
                                for (int input = 0; input < _FLOW_INPUT_END; input++)
                                        check_open((PipeState) pipe, (PipeState) other,
                                                   (FlowSide) side, (FlowInput) input);
}
END_TEST

START_TEST(test_connecting) {
        for (int input = 0; input < _FLOW_INPUT_END; input++) {
                Flow f = FLOW_NULL;
                FlowAction action = flow_step(&f, FLOW_TO_GUEST, (FlowInput) input);

                if (input == FLOW_CONNECTED) {
                        ck_assert_int_eq(action, FLOW_DO_MOVE);
                        ck_assert_int_eq(f.state, FLOW_OPEN);
                        ck_assert_int_eq(f.pipes[FLOW_TO_GUEST], PIPE_MOVING);
                        ck_assert_int_eq(f.pipes[FLOW_TO_CLIENT], PIPE_MOVING);
                } else {
                        ck_assert_int_eq(action, FLOW_DO_RESET);
                        ck_assert_int_eq(f.state, FLOW_RESET);
                }
        }
}
END_TEST

/* What was on its way when the connection ended does nothing, and nothing revives it. */
START_TEST(test_over) {
        static const FlowState over[] = {FLOW_FINISHED, FLOW_RESET};

        for (unsigned i = 0; i < 2; i++)
                for (int pipe = 0; pipe < _PIPE_STATE_END; pipe++)
                        for (int input = 0; input < _FLOW_INPUT_END; input++) {
                                Flow f = {.state = over[i]};

                                f.pipes[FLOW_TO_CLIENT] = (PipeState) pipe;
                                ck_assert_int_eq(flow_step(&f, FLOW_TO_CLIENT, (FlowInput) input),
                                                 FLOW_DO_NOTHING);
                                ck_assert_int_eq(f.state, over[i]);
                                ck_assert_int_eq(f.pipes[FLOW_TO_CLIENT], pipe);
                        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("tcp-flow");
        TCase *tc = tcase_create("steps");

        tcase_add_test(tc, test_open);
        tcase_add_test(tc, test_connecting);
        tcase_add_test(tc, test_over);
        suite_add_tcase(suite, tc);
        return suite_run(suite);
}
