// A sound card for Twinkle on a machine without one: preloaded over ALSA's null device, which knows no time.
//
// What is read is a tone of SOUNDCARD_TONE Hz, what is written goes to the file SOUNDCARD_HEARD; both take as long as
// they would on a real card. Twinkle opens its devices with one channel of 16 bits at 8 kHz when it speaks G.711.

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { RATE = 8000 };
struct clock { struct timespec next; };

/** Waits until so many samples have gone by since the last call; a pause begins anew. */
static void pass(struct clock *clock, unsigned long samples) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double late = (double)(now.tv_sec - clock->next.tv_sec) + (double)(now.tv_nsec - clock->next.tv_nsec) / 1e9;
    if (clock->next.tv_sec == 0 || late > 0.2) clock->next = now;
    clock->next.tv_nsec += (long)(samples * (1000000000L / RATE));
    clock->next.tv_sec += clock->next.tv_nsec / 1000000000L;
    clock->next.tv_nsec %= 1000000000L;
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &clock->next, NULL);
}

long snd_pcm_readi(void *pcm, int16_t *buffer, unsigned long frames) {
    static struct clock clock;
    static unsigned long at;
    const char *tone = getenv("SOUNDCARD_TONE");
    double step = 2 * M_PI * (tone ? atof(tone) : 0) / RATE;
    (void)pcm;
    pass(&clock, frames);
    for (unsigned long i = 0; i < frames; i++) buffer[i] = (int16_t)(8000 * sin(step * (double)(at++ % RATE)));
    return (long)frames;
}

long snd_pcm_writei(void *pcm, const int16_t *buffer, unsigned long frames) {
    static struct clock clock;
    static FILE *heard;
    const char *name = getenv("SOUNDCARD_HEARD");
    (void)pcm;
    pass(&clock, frames);
    if (!heard && name) heard = fopen(name, "wb");
    if (heard) {
        fwrite(buffer, sizeof *buffer, frames, heard);
        fflush(heard);
    }
    return (long)frames;
}
