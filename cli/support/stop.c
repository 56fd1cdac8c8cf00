#include "support/stop.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t asked;

static void ask_to_stop(int number) {
    (void)number;
    asked = 1;
}

/* The first Ctrl-C saves and stops, the second one ends at once. A signal that the shell has set to be
 * ignored (nohup, a job in the background) stays ignored. */
static void catch_signal(int number) {
    struct sigaction action, before;
    memset(&action, 0, sizeof action);
    action.sa_handler = ask_to_stop;
    action.sa_flags = SA_RESTART | (int)SA_RESETHAND;
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN) {
        sigaction(number, &action, NULL);
    }
}

void stop_catch(void) {
    catch_signal(SIGINT);
    catch_signal(SIGTERM);
    catch_signal(SIGHUP); /* the terminal is closed, or the connection lost */
}

bool stop_asked(void) {
    return asked;
}
