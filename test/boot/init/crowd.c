/*
 * crowd.c - `crowd N`: N threads exist at once, each has a number of its own, and all are counted
 * in the end.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static pthread_barrier_t all;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long counted;

static void *stand(void *arg)
{
	pthread_barrier_wait(&all);
	pthread_mutex_lock(&mutex);
	counted++;
	pthread_mutex_unlock(&mutex);
	return arg;
}

int main(int argc, char **argv)
{
	long wanted = argc > 1 ? atol(argv[1]) : 1;
	pthread_t *threads = calloc((size_t)wanted, sizeof(*threads));
	pthread_attr_t attributes;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN);
	pthread_barrier_init(&all, NULL, (unsigned int)wanted + 1);
	for (long i = 0; i < wanted; i++)
		if (pthread_create(&threads[i], &attributes, stand, NULL) != 0) {
			printf("crowd: %ld threads, no more\n", i);
			return 1;
		}
	pthread_barrier_wait(&all);
	for (long i = 0; i < wanted; i++)
		pthread_join(threads[i], NULL);
	printf("crowd: %ld\n", counted);
	return counted != wanted;
}
