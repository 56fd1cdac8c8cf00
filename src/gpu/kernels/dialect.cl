/* One dialect for OpenCL C 1.2 and CUDA C++: what the kernels are written in. Nothing is contracted, here or
 * by the options of the compilers: a fused multiply-add is FMA. */
#define PRNN_GPU_KERNEL 1

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define CUDA 1
typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long long ulong;
#define KERNEL(items) extern "C" __global__ void __launch_bounds__(items)
#define DEVICE static __device__ __forceinline__
#define GLOBAL
#define LOCAL __shared__ /* declares, in the outermost scope of a kernel only */
#define OF_LOCAL         /* qualifies what a pointer points to */
#define CONSTANT static __constant__
#define RESTRICT __restrict__ /* a table: nothing that the kernel stores is there */
#define ITEM (threadIdx.x)
#define GROUP_X (blockIdx.x)
#define GROUP_Y (blockIdx.y)
#define SYNC __syncthreads()
#define FMA(a, b, c) __fmaf_rn(a, b, c)
#define SQRT(x) __fsqrt_rn(x)
#define BITS_OF(x) __float_as_uint(x)
#define FLOAT_OF(x) __uint_as_float(x)
#define BITS_OF_DOUBLE(x) ((ulong)__double_as_longlong(x))
#define DOUBLE_OF(x) __longlong_as_double((long long)(x))
#define ALIGNED __align__(16)
#define UNROLL _Pragma("unroll")
#define UNROLL_LONG UNROLL
#else
#pragma OPENCL FP_CONTRACT OFF
#ifdef DOUBLES
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif
#define KERNEL(items) __kernel __attribute__((reqd_work_group_size(items, 1, 1))) void
#define DEVICE static inline
#define GLOBAL __global
#define LOCAL __local
#define OF_LOCAL __local
#define CONSTANT __constant
#define RESTRICT restrict
#define ITEM ((uint)get_local_id(0))
#define GROUP_X ((uint)get_group_id(0))
#define GROUP_Y ((uint)get_group_id(1))
#define SYNC barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE) /* orders both, as CUDA's does */
#define FMA(a, b, c) fma(a, b, c)
#define SQRT(x) sqrt(x)
#define BITS_OF(x) as_uint(x)
#define FLOAT_OF(x) as_float(x)
#define BITS_OF_DOUBLE(x) as_ulong(x)
#define DOUBLE_OF(x) as_double(x)
#define ALIGNED __attribute__((aligned(16)))
#if defined(__clang_major__) && !defined(BF16)
#define UNROLL _Pragma("unroll")
#else /* the emulation of tensor cores is long enough */
#define UNROLL
#endif
#define UNROLL_LONG /* PoCL takes long for it, and its LLVM 15 breaks off */
#endif

#define U32 uint
#define U64 ulong
#define F32 float
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
